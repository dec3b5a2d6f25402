// Regions with their capacity, the machines in them, and letting machines join.

import { Anchor, Code, Group, NumberInput, SimpleGrid, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import type { RegionView, StatusView } from '../../contract/api.ts'
import { changeRegion } from '../calls/cloud-changes.ts'
import { serversQuery, statusQuery } from '../calls/queries.ts'
import { countOf, formatAge, formatSpan } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { CommandText } from '../kit/command-line.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Page } from '../kit/page.tsx'
import { Panel } from '../kit/panel.tsx'
import { HealthBadge } from '../kit/state-badge.tsx'
import { Wide } from '../kit/wide.tsx'
import { troubleText } from '../services/causes.ts'
import { useMay } from '../session/session.ts'
import { CapacityBar } from './capacity-bar.tsx'
import { MachinesPanel } from './machines.tsx'

const CAPACITY_MAX = 100_000

export function RegionsPage() {
  const status = useQuery(statusQuery())
  const may = useMay()
  return (
    <Page title="Regions">
      <Loaded query={status} what="the regions">
        {(data) => (
          <>
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              {data.regions.map((region) => (
                <Region key={region.slug} region={region} status={data} />
              ))}
            </SimpleGrid>
            <MachinesPanel status={data} isOwner={may.own} />
            <Controls status={data} />
          </>
        )}
      </Loaded>
    </Page>
  )
}

function Region({ region, status }: { region: RegionView; status: StatusView }) {
  const may = useMay()
  const { data: servers = [] } = useQuery(serversQuery())
  const nowMs = useNow()
  const services = status.services.filter((service) => service.region === region.name)
  const here = servers.filter((server) => server.region === region.name)
  const { health } = region
  return (
    <Panel
      title={region.name}
      about={`Hosts that report now: ${region.hosts}. Services that live here: ${services.length}.`}
      actions={<HealthBadge state={health.state} />}
    >
      {health.state === 'Ready' ? null : (
        <Text size="sm" component="div">
          {troubleText(health)}
          {health.since === null ? '' : `, for ${formatSpan(health.since, nowMs)}`}.{' '}
          {health.next === null ? null : <CommandText text={health.next} />}
        </Text>
      )}
      <CapacityBar label="Shared slots" used={region.sharedSlotsUsed} total={region.sharedSlots} />
      <CapacityBar label="Reserved units" used={region.reservedUnitsUsed} total={region.reservedUnits} />
      <Text size="sm">
        Primaries:{' '}
        {here.length === 0
          ? 'none'
          : here.map(({ name }, index) => (
              <span key={name}>
                {index === 0 ? '' : ', '}
                <Anchor component={Link} href={`/databases/${name}`} size="sm">
                  {name}
                </Anchor>
              </span>
            ))}
      </Text>
      {may.change ? <CapacityForm region={region} /> : null}
    </Panel>
  )
}

function CapacityForm({ region }: { region: RegionView }) {
  const [sharedSlots, setSlots] = useState<number>(region.sharedSlots)
  const [reservedUnits, setUnits] = useState<number>(region.reservedUnits)
  const wanted = { sharedSlots, reservedUnits }
  return (
    <Group>
      <ChangeButton
        label="Change its capacity"
        isSmall
        title={`Capacity of ${region.name}`}
        verb="Change it"
        form={
          <Group gap="sm">
            <NumberInput
              label="Shared slots"
              min={0}
              max={CAPACITY_MAX}
              value={sharedSlots}
              onChange={(value) => setSlots(Number(value) || 0)}
            />
            <NumberInput
              label="Reserved units"
              min={0}
              max={CAPACITY_MAX}
              value={reservedUnits}
              onChange={(value) => setUnits(Number(value) || 0)}
            />
          </Group>
        }
        run={() => changeRegion(region.slug, wanted)}
      />
    </Group>
  )
}

function Controls({ status }: { status: StatusView }) {
  const nowMs = useNow()
  return (
    <Panel title="Control" about="One of these carries operations out; the others answer, and take over.">
      <Stack gap={4}>
        <Wide minWidth={520}>
          <Table aria-label="Control processes">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Domain</Table.Th>
                <Table.Th>Release</Table.Th>
                <Table.Th>Carries out</Table.Th>
                <Table.Th>Since</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {status.controls.map((control) => (
                <Table.Tr key={control.name}>
                  <Table.Td>{control.name}</Table.Td>
                  <Table.Td>{control.domain}</Table.Td>
                  <Table.Td>{control.version}</Table.Td>
                  <Table.Td>{control.isExecuting ? 'yes' : 'no'}</Table.Td>
                  <Table.Td>{formatAge(control.since, nowMs)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
        <Text size="sm" c="dimmed" component="div">
          {status.archive === null
            ? 'Nothing archives the control database: no control process has a vault.'
            : `The control database is archived in ${countOf(status.archive.vaults, 'vault')}, newest ${
                status.archive.newestAt === null ? 'none yet' : formatAge(status.archive.newestAt, nowMs)
              }. `}
          How to bring it back: <Code>mainstay control restore</Code>
        </Text>
      </Stack>
    </Panel>
  )
}
