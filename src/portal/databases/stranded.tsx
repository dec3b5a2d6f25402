// Stranded writes: what only a lost primary had, how it would apply today, applying and discarding it.
import { Button, Group, NativeSelect, Stack, Table, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { DivergencePreviewView, DivergenceView } from '../../contract/api.ts'
import { divergenceQuery, divergencesQuery } from '../calls/queries.ts'
import { beginApply, discardDivergence } from '../calls/server-changes.ts'
import { countOf, formatMoment } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { Panel } from '../kit/panel.tsx'
import { type Tone, ToneBadge } from '../kit/state-badge.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'
import { appliedText, changedText } from './stranded-words.ts'

type Outcome = DivergencePreviewView['changes'][number]['outcome']

const OUTCOMES: Record<Outcome, { tone: Tone; icon: 'check' | 'circle' | 'alert'; word: string }> = {
  clean: { tone: 'good', icon: 'check', word: 'applies' },
  already: { tone: 'quiet', icon: 'circle', word: 'there already' },
  conflict: { tone: 'warning', icon: 'alert', word: 'conflict' },
}

export function StrandedPanel({ server }: { server: string }) {
  const { data = [] } = useQuery(divergencesQuery())
  const own = data.filter((one) => one.server === server)
  if (own.length === 0) return null
  return (
    <Panel title="Stranded writes" about="What only a lost primary had when another one took over.">
      {own.map((one) => (
        <Divergence key={one.epoch} divergence={one} />
      ))}
    </Panel>
  )
}

function Divergence({ divergence }: { divergence: DivergenceView }) {
  const may = useMay()
  const [isOpen, preview] = useDisclosure(false)
  const { server, epoch, state, applied } = divergence
  return (
    <Stack gap="xs">
      <Text size="sm">
        Epoch {epoch}, found on {divergence.machine} at {formatMoment(divergence.foundAt)}:{' '}
        {countOf(divergence.transactions, 'transaction')}, {countOf(divergence.changes, 'change')}.{' '}
        {divergence.tables.map(changedText).join('; ')}. {appliedText(state, applied)}
      </Text>
      <Group gap="xs">
        <Button size="compact-sm" variant="default" onClick={preview.toggle} aria-expanded={isOpen}>
          {isOpen ? 'Hide the changes' : 'Show the changes'}
        </Button>
        {may.change && state === 'kept' ? <ApplyButton server={server} epoch={epoch} /> : null}
        {may.change && state !== 'discarded' ? (
          <ChangeButton
            label="Discard"
            isSmall
            isDangerous
            variant="subtle"
            title={`Discard the stranded writes of ${server}`}
            verb="Discard them"
            typed={server}
            plan={async () => ['The copy of the lost primary is dropped', 'What was not applied is gone']}
            run={() => discardDivergence(server, epoch)}
          />
        ) : null}
      </Group>
      {isOpen ? <Changes server={server} epoch={epoch} /> : null}
    </Stack>
  )
}

function ApplyButton({ server, epoch }: { server: string; epoch: number }) {
  const [onConflict, setOnConflict] = useState<'skip' | 'overwrite'>('skip')
  return (
    <ChangeButton
      label="Apply"
      isSmall
      title={`Apply the stranded writes of ${server}`}
      verb="Apply them"
      typed={server}
      form={
        <NativeSelect
          label="Where a row was changed since"
          value={onConflict}
          onChange={(event) => setOnConflict(event.currentTarget.value as typeof onConflict)}
          data={[
            { value: 'skip', label: 'leave it as it is now' },
            { value: 'overwrite', label: 'overwrite it with what was stranded' },
          ]}
        />
      }
      plan={async () => [
        'Changes that apply are made; those that are there already are passed over',
        onConflict === 'skip'
          ? 'Rows that were changed since stay as they are'
          : 'Rows that were changed since are overwritten',
      ]}
      run={(key) => beginApply(server, { epoch, onConflict }, key)}
    />
  )
}

function Changes({ server, epoch }: { server: string; epoch: number }) {
  const preview = useQuery(divergenceQuery(server, epoch))
  return (
    <Loaded query={preview} what="the stranded writes">
      {({ changes, clean, already, conflicts }) => (
        <>
          <Text size="sm">
            Today {clean} would apply, {already} are there already, {conflicts} conflict. The first {changes.length}:
          </Text>
          <Wide minWidth={680}>
            <Table aria-label="Stranded changes">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>When</Table.Th>
                  <Table.Th>Table</Table.Th>
                  <Table.Th>Change</Table.Th>
                  <Table.Th>Row</Table.Th>
                  <Table.Th>Today</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {changes.map((change, index) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a row may be changed twice in one transaction.
                  <Table.Tr key={index}>
                    <Table.Td>{change.committedAt}</Table.Td>
                    <Table.Td>{change.table}</Table.Td>
                    <Table.Td>{change.kind}</Table.Td>
                    <Table.Td>{change.key ?? ''}</Table.Td>
                    <Table.Td>
                      <ToneBadge {...OUTCOMES[change.outcome]} />
                      {change.reason === null ? null : (
                        <Text size="xs" c="dimmed">
                          {change.reason}
                        </Text>
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Wide>
        </>
      )}
    </Loaded>
  )
}
