// A state as an icon and a word, in a colour that only supports them.
import type { HealthView, OperationView } from '../../contract/api.ts'
import { Icon, type IconName } from './icon.tsx'
import styles from './state.module.css'

export type Tone = 'good' | 'warning' | 'bad' | 'moving' | 'quiet'

const HEALTH: Record<HealthView['state'], { tone: Tone; icon: IconName }> = {
  Ready: { tone: 'good', icon: 'check' },
  Degraded: { tone: 'warning', icon: 'alert' },
  Unhealthy: { tone: 'bad', icon: 'cross' },
  Recovering: { tone: 'moving', icon: 'turn' },
  Starting: { tone: 'quiet', icon: 'circle' },
  Stopped: { tone: 'quiet', icon: 'pause' },
}

const OPERATION: Record<OperationView['state'], { tone: Tone; icon: IconName; word: string }> = {
  running: { tone: 'moving', icon: 'turn', word: 'running' },
  succeeded: { tone: 'good', icon: 'check', word: 'done' },
  failed: { tone: 'bad', icon: 'cross', word: 'failed' },
  needs_you: { tone: 'warning', icon: 'alert', word: 'needs you' },
}

/** Any word in a tone. */
export function ToneBadge({ tone, icon, word }: { tone: Tone; icon: IconName; word: string }) {
  return (
    <span className={`${styles.state} ${styles[tone]}`}>
      <Icon name={icon} size={15} />
      {word}
    </span>
  )
}

/** Of a service or a region. */
export function HealthBadge({ state }: { state: HealthView['state'] }) {
  return <ToneBadge {...HEALTH[state]} word={state} />
}

/** Of an operation. */
export function OperationBadge({ state }: { state: OperationView['state'] }) {
  return <ToneBadge {...OPERATION[state]} />
}
