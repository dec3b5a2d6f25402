// Whether the service could be recovered now, check by check, each with what mends it.
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ServerView, ServiceView } from '../../contract/api.ts'
import { settingsQuery } from '../calls/queries.ts'
import { CommandLine } from '../kit/command-line.tsx'
import type { IconName } from '../kit/icon.tsx'
import { useNow } from '../kit/now.ts'
import { Panel } from '../kit/panel.tsx'
import { type Tone, ToneBadge } from '../kit/state-badge.tsx'
import { type Check, checkReadiness, worstOf } from './readiness.ts'
import styles from './readiness-panel.module.css'

const LOOKS: Record<Check['state'], { tone: Tone; icon: IconName; word: string }> = {
  good: { tone: 'good', icon: 'check', word: 'yes' },
  warning: { tone: 'warning', icon: 'alert', word: 'look' },
  bad: { tone: 'bad', icon: 'cross', word: 'no' },
  unknown: { tone: 'quiet', icon: 'circle', word: 'not known' },
}
const WHOLE: Record<Check['state'], string> = {
  good: 'If its region were lost now, it could be recovered.',
  warning: 'It could be recovered, at a higher cost than need be.',
  unknown: 'Not all is known.',
  bad: 'If its region were lost now, it could not be recovered as it should.',
}

type Props = { service: ServiceView; secondary: ServiceView | null; server: ServerView | null }

export function ReadinessPanel({ service, secondary, server }: Props) {
  const nowMs = useNow()
  const { data: settings } = useQuery(settingsQuery(service.name))
  const lossMsMax = settings?.lossMsMax ?? null
  const checks = checkReadiness({ service, secondary, server, lossMsMax, nowMs })
  return (
    <Panel
      title="Readiness"
      about={service.health.state === 'Ready' ? WHOLE[worstOf(checks)] : 'What a recovery finds now.'}
    >
      <ul className={styles.checks}>
        {checks.map((check) => (
          <li key={check.name} className={styles.check}>
            <span>
              <ToneBadge {...LOOKS[check.state]} />
            </span>
            <div className={styles.words}>
              <Text size="sm" fw={600}>
                {check.name}
              </Text>
              <Text size="sm" c="dimmed">
                {check.text}
              </Text>
              {check.fix === null ? null : <CommandLine command={check.fix} />}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
