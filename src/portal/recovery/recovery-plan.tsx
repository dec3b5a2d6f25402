// What a recovery would do and cost now.
import { List, Text } from '@mantine/core'
import { formatBytes, formatMs } from '../../contract/amounts.ts'
import type { RecoveryPlanView } from '../../contract/api.ts'
import { formatMoment } from '../kit/amounts.ts'
import { Pairs } from '../kit/pairs.tsx'

const MOVED_SHOWN_MAX = 5

export function RecoveryPlan({ plan }: { plan: RecoveryPlanView }) {
  const { alsoMoves, restore } = plan.database
  return (
    <>
      <Pairs
        pairs={[
          ['From', plan.fromRegion],
          ['To', plan.toRegion],
          ['Database', databaseText(plan)],
          ['Also moves the data of', alsoMoves.length > 0 ? namesText(alsoMoves) : null],
          ...(restore?.notes ?? []).map((note): [string, string] => ['Note', note]),
          ['Predicted time', formatMs(plan.predictedSeconds * 1_000)],
          ['Predicted loss', plan.lossSentence],
          ['Capacity', plan.capacitySentence],
        ]}
      />
      <div>
        <Text size="sm" fw={600} mb={4}>
          Its steps
        </Text>
        <List type="ordered" size="sm">
          {plan.steps.map(({ name, sentence }) => (
            <List.Item key={name}>{sentence}</List.Item>
          ))}
        </List>
      </div>
    </>
  )
}

function databaseText({ database, toRegion }: RecoveryPlanView): string {
  const { action, server, restore } = database
  if (action === 'keep') return `${server} is kept where it is`
  if (action === 'promote') return `${server} is promoted in ${toRegion}`
  const from = restore
    ? `, as it was at ${formatMoment(restore.restoresTo)}; ${formatBytes(restore.bytes)} are fetched`
    : ''
  return `${server} is restored from its backups in ${toRegion}${from}`
}

function namesText(names: string[]): string {
  const shown = names.slice(0, MOVED_SHOWN_MAX).join(', ')
  return names.length > MOVED_SHOWN_MAX ? `${names.length} services: ${shown}, …` : shown
}
