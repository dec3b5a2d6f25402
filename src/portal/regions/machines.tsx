// Machines that joined, and letting another one in.

import { Button, Group, Modal, NativeSelect, Stack, Table, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { formatBytes, formatMs } from '../../contract/amounts.ts'
import type { JoinTokenView, MachineView, StatusView } from '../../contract/api.ts'
import { createJoinToken, planRevoke, revoke } from '../calls/cloud-changes.ts'
import { machinesQuery } from '../calls/queries.ts'
import { formatMoment } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { CommandLine } from '../kit/command-line.tsx'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { Panel } from '../kit/panel.tsx'
import { ToneBadge } from '../kit/state-badge.tsx'
import { Wide } from '../kit/wide.tsx'
import { MeasuresPanel } from '../measured/measures-panel.tsx'

/** A machine says something every second; longer than this it is silent. */
const SILENT_MS = 5_000

type Props = { status: StatusView; isOwner: boolean }

export function MachinesPanel({ status, isOwner }: Props) {
  const machines = useQuery(machinesQuery())
  return (
    <Panel title="Machines" actions={isOwner ? <JoinButton regions={status.regions.map(({ name }) => name)} /> : null}>
      <Loaded query={machines} what="the machines">
        {(data) => (
          <Wide minWidth={760}>
            <Table aria-label="Machines">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Role</Table.Th>
                  <Table.Th>Region or domain</Table.Th>
                  <Table.Th>Heard</Table.Th>
                  <Table.Th>Memory</Table.Th>
                  <Table.Th>Release</Table.Th>
                  <Table.Th>Certificate until</Table.Th>
                  <Table.Th>Actions</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.map((machine) => (
                  <Row key={machine.name} machine={machine} status={status} isOwner={isOwner} />
                ))}
              </Table.Tbody>
            </Table>
          </Wide>
        )}
      </Loaded>
    </Panel>
  )
}

function Row({ machine, status, isOwner }: { machine: MachineView; status: StatusView; isOwner: boolean }) {
  const seen = status.machines.find(({ name }) => name === machine.name)
  return (
    <Table.Tr>
      <Table.Td>{machine.name}</Table.Td>
      <Table.Td>{machine.role}</Table.Td>
      <Table.Td>{machine.domain}</Table.Td>
      <Table.Td>
        <Heard machine={machine} />
      </Table.Td>
      <Table.Td>{seen?.memoryBytes ? formatBytes(seen.memoryBytes) : ''}</Table.Td>
      <Table.Td>{machine.release ?? ''}</Table.Td>
      <Table.Td>{machine.certificateUntil === null ? '' : formatMoment(machine.certificateUntil)}</Table.Td>
      <Table.Td>
        <Group gap="xs" wrap="nowrap">
          {machine.role === 'control' ? null : <MeasuresButton machine={machine.name} />}
          {isOwner && machine.revokedAt === null ? (
            <ChangeButton
              label="Revoke"
              isSmall
              isDangerous
              variant="subtle"
              title={`Shut ${machine.name} out`}
              verb="Revoke"
              typed={machine.name}
              plan={() => planRevoke(machine.name)}
              run={() => revoke(machine.name)}
            />
          ) : null}
        </Group>
      </Table.Td>
    </Table.Tr>
  )
}

function MeasuresButton({ machine }: { machine: string }) {
  const [isOpen, { open, close }] = useDisclosure(false)
  return (
    <>
      <Button size="xs" variant="subtle" onClick={open}>
        Over time
      </Button>
      <Modal opened={isOpen} onClose={close} title={machine} size="xl">
        <MeasuresPanel of={{ machine }} title="Over time" />
      </Modal>
    </>
  )
}

function Heard({ machine: { lastSeenMs, revokedAt } }: { machine: MachineView }) {
  if (revokedAt !== null) return <ToneBadge tone="quiet" icon="pause" word="revoked" />
  if (lastSeenMs === null) return <ToneBadge tone="bad" icon="cross" word="not heard" />
  if (lastSeenMs > SILENT_MS) return <ToneBadge tone="bad" icon="cross" word={`silent for ${formatMs(lastSeenMs)}`} />
  return <ToneBadge tone="good" icon="check" word="now" />
}

function JoinButton({ regions }: { regions: string[] }) {
  const [role, setRole] = useState<'host' | 'gateway'>('host')
  const [domain, setDomain] = useState(regions[0] ?? '')
  const [made, setMade] = useState<JoinTokenView | null>(null)
  return (
    <>
      <ChangeButton
        label="Let a machine join"
        icon={<Icon name="plus" />}
        title="Let a machine join"
        verb="Make a join token"
        form={
          <Stack gap="sm">
            <NativeSelect
              label="Role"
              value={role}
              onChange={(event) => setRole(event.currentTarget.value as typeof role)}
              data={['host', 'gateway']}
            />
            <TextInput
              label={role === 'host' ? 'Region' : 'Failure domain'}
              description={
                role === 'host' ? `There are ${regions.join(', ')}. A new name makes a new region.` : undefined
              }
              value={domain}
              onChange={(event) => setDomain(event.currentTarget.value)}
            />
          </Stack>
        }
        isFormReady={domain.trim() !== ''}
        run={async () => setMade(await createJoinToken({ role, domain: domain.trim() }))}
      />
      <Modal opened={made !== null} onClose={() => setMade(null)} title="The join token">
        {made === null ? null : (
          <Stack gap="sm">
            <Text size="sm">
              Carry this word to the other machine. It works once, until {formatMoment(made.expiresAt)}, and is not
              shown again.
            </Text>
            <CommandLine command={made.token} label="Copy the token" />
            <Group gap="xs">
              <Text size="sm">What --control must say there:</Text>
              <CommandLine command={made.controlUrl} label="Copy the address" />
            </Group>
          </Stack>
        )}
      </Modal>
    </>
  )
}
