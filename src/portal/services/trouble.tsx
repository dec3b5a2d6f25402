// What is wrong, since when, and what to do: the first thing that is seen.
import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { Link } from 'wouter'
import type { StatusView } from '../../contract/api.ts'
import { asSentence, countOf, formatSpan } from '../kit/amounts.ts'
import { CommandText } from '../kit/command-line.tsx'
import { Icon } from '../kit/icon.tsx'
import { useNow } from '../kit/now.ts'
import { HealthBadge } from '../kit/state-badge.tsx'
import { useMay } from '../session/session.ts'
import { troubleText } from './causes.ts'
import styles from './trouble.module.css'
import { listTroubles, type Trouble as OneTrouble, TROUBLES_SHOWN_MAX } from './trouble-list.ts'

export function Trouble({ status }: { status: StatusView }) {
  const troubles = listTroubles(status)
  const shown = troubles.slice(0, TROUBLES_SHOWN_MAX)
  const left = troubles.length - shown.length
  return (
    <>
      {shown.length > 0 ? (
        <section className={styles.trouble} aria-label="What is wrong">
          {shown.map((trouble) => (
            <Line key={`${trouble.kind} ${trouble.name}`} trouble={trouble} />
          ))}
          {left > 0 ? (
            <Text size="sm" px="md" py="xs">
              And {left} more: they stand first in the list below.
            </Text>
          ) : null}
        </section>
      ) : null}
      {status.warnings.length > 0 ? (
        <Alert
          role="note"
          color="gray"
          icon={<Icon name="alert" size={18} />}
          title="Worth knowing"
          className={styles.warnings}
        >
          <Stack gap={4}>
            {status.warnings.map((warning) => (
              <Text key={warning} size="sm" component="div">
                <CommandText text={asSentence(warning)} />
              </Text>
            ))}
          </Stack>
        </Alert>
      ) : null}
    </>
  )
}

function Line({ trouble }: { trouble: OneTrouble }) {
  const nowMs = useNow()
  const may = useMay()
  const { kind, name, health, secondary } = trouble
  const href = kind === 'service' ? `/services/${name}/recovery` : '/regions'
  return (
    <div className={styles.line}>
      <Group gap="sm" wrap="nowrap" align="flex-start" className={styles.what}>
        <HealthBadge state={health.state} />
        <div>
          <Anchor component={Link} href={href} fw={600} size="sm">
            {kind === 'region' ? `Region ${name}` : name}
          </Anchor>
          <Text size="sm" component="div">
            {troubleText(health)}
            {health.since === null ? null : <Text span c="dimmed">{`, for ${formatSpan(health.since, nowMs)}`}</Text>}
          </Text>
          {kind === 'region' && trouble.services > 0 ? (
            <Text size="sm" c="dimmed">
              {countOf(trouble.services, 'service')} in it not well.
            </Text>
          ) : null}
        </div>
      </Group>
      {kind === 'service' && health.state === 'Unhealthy' ? (
        <Button component={Link} href={href} color="red" size="xs" className={styles.act ?? ''}>
          {may.change && secondary !== null ? 'Recover' : 'What to do'}
        </Button>
      ) : null}
    </div>
  )
}
