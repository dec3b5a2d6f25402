// Operations in rows: what, how it stands, when, how long, by whom; with their steps where those are wanted.
import { Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link } from 'wouter'
import { formatMs } from '../../contract/amounts.ts'
import type { OperationView } from '../../contract/api.ts'
import { formatAge } from '../kit/amounts.ts'
import { useNow } from '../kit/now.ts'
import { OperationBadge } from '../kit/state-badge.tsx'
import styles from './operation-list.module.css'
import { OperationProgress, OperationSteps } from './operation-progress.tsx'
import { durationOf, kindText } from './operation-words.ts'

type Props = { operations: OperationView[]; isWithSteps?: boolean }

export function OperationList({ operations, isWithSteps = false }: Props) {
  if (operations.length === 0) return <Text size="sm">Nothing was done yet.</Text>
  return (
    <ul className={styles.list}>
      {operations.map((operation) => (
        <Item key={operation.id} operation={operation} isWithSteps={isWithSteps} />
      ))}
    </ul>
  )
}

function Item({ operation, isWithSteps }: { operation: OperationView; isWithSteps: boolean }) {
  const nowMs = useNow()
  const isRunning = operation.state === 'running'
  const [isOpen, steps] = useDisclosure(false)
  return (
    <li className={styles.item}>
      <Group justify="space-between" gap="xs">
        <Group gap="sm">
          <OperationBadge state={operation.state} />
          <Anchor component={Link} href={`/operations/${operation.id}`} size="sm" fw={600}>
            {kindText(operation)}
          </Anchor>
        </Group>
        <Group gap="sm">
          <Text size="sm" c="dimmed">
            {formatMs(durationOf(operation, nowMs))}, {formatAge(operation.startedAt, nowMs)}, by {operation.principal}
          </Text>
          {isWithSteps && !isRunning ? (
            <Button variant="subtle" size="compact-sm" onClick={steps.toggle} aria-expanded={isOpen}>
              {isOpen ? 'Hide steps' : 'Steps'}
            </Button>
          ) : null}
        </Group>
      </Group>
      {operation.error && !isOpen ? (
        <Text size="sm" c="dimmed" className={styles.error ?? ''}>
          {operation.error.message}
        </Text>
      ) : null}
      {isWithSteps && isRunning ? <OperationProgress id={operation.id} /> : null}
      {isOpen ? (
        <Stack pt="xs">
          <OperationSteps operation={operation} />
        </Stack>
      ) : null}
    </li>
  )
}
