// How much of a region's capacity is used, as a bar and in words.
import { Group, Text } from '@mantine/core'
import styles from './capacity-bar.module.css'

type Props = { label: string; used: number; total: number; own?: number; ownLabel?: string }

export function CapacityBar({ label, used, total, own = 0, ownLabel }: Props) {
  const others = Math.max(0, used - own)
  const free = Math.max(0, total - used)
  const words = [
    ...(own > 0 && ownLabel !== undefined ? [`${own} by ${ownLabel}`] : []),
    `${others} by ${own > 0 ? 'others' : 'services'}`,
    `${free} free`,
  ].join(', ')
  const part = (count: number) => ({ width: `${total === 0 ? 0 : (100 * count) / Math.max(total, used)}%` })
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={500}>
          {label}
        </Text>
        <Text size="sm" c="dimmed">
          {used} of {total} used: {words}
        </Text>
      </Group>
      <div className={styles.bar} aria-hidden="true">
        <div className={styles.own} style={part(own)} />
        <div className={styles.others} style={part(others)} />
      </div>
    </div>
  )
}
