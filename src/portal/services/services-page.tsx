// The first page: what is wrong and what to do, then every service.

import { Anchor, Badge, Button, Card, Group, Pagination, Select, Stack, Table, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useSearchParams } from 'wouter'
import type { ServiceView, StatusView } from '../../contract/api.ts'
import { statusQuery } from '../calls/queries.ts'
import { countOf, formatSpan, sizeText } from '../kit/amounts.ts'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Page } from '../kit/page.tsx'
import { HealthBadge } from '../kit/state-badge.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'
import { ArchivesPanel } from './archives.tsx'
import { causeText } from './causes.ts'
import { CreateServiceDialog } from './create-service.tsx'
import { exposureText, filterServices, PAGE_SERVICES } from './service-list.ts'
import styles from './services-page.module.css'
import { Trouble } from './trouble.tsx'

const STATES = ['Unhealthy', 'Recovering', 'Degraded', 'Starting', 'Stopped', 'Ready']

export function ServicesPage() {
  const status = useQuery(statusQuery())
  const [isCreating, dialog] = useDisclosure(false)
  const may = useMay()
  return (
    <Page
      title="Services"
      about={status.data ? countText(status.data) : null}
      actions={
        may.change ? (
          <Button leftSection={<Icon name="plus" />} onClick={dialog.open}>
            Create a service
          </Button>
        ) : null
      }
    >
      <Loaded query={status} what="the services">
        {(data) => (
          <>
            <Trouble status={data} />
            <ServiceTable services={data.services} />
            <ArchivesPanel status={data} />
            {may.change ? <CreateServiceDialog isOpen={isCreating} onClose={dialog.close} status={data} /> : null}
          </>
        )}
      </Loaded>
    </Page>
  )
}

function countText({ services, regions }: StatusView): string {
  const names = regions.map(({ name }) => name).join(', ')
  return `${countOf(services.length, 'mobile service')} in ${names}`
}

function ServiceTable({ services }: { services: ServiceView[] }) {
  const [query, setQuery] = useSearchParams()
  const [page, setPage] = useState(1)
  const nowMs = useNow()
  const filter = { text: query.get('find') ?? '', state: query.get('state') ?? '' }
  const found = filterServices(services, filter)
  const pages = Math.max(1, Math.ceil(found.length / PAGE_SERVICES))
  const at = Math.min(page, pages)
  const shown = found.slice((at - 1) * PAGE_SERVICES, at * PAGE_SERVICES)
  const set = (name: string, value: string) => {
    setPage(1)
    setQuery(
      (before) => {
        if (value === '') before.delete(name)
        else before.set(name, value)
        return before
      },
      { replace: true },
    )
  }
  if (services.length === 0) {
    return <Text size="sm">There are no mobile services yet. Create the first one, and then its secondary.</Text>
  }
  return (
    <Stack gap="sm">
      <Group gap="xs" align="flex-end">
        <TextInput
          aria-label="Find services"
          placeholder="Find by name, region, server"
          leftSection={<Icon name="search" />}
          value={filter.text}
          onChange={(event) => set('find', event.currentTarget.value)}
          flex="1 1 220px"
          maw={380}
        />
        <Select
          aria-label="State"
          data={[{ value: '', label: 'Every state' }, ...STATES.map((state) => ({ value: state, label: state }))]}
          value={filter.state}
          onChange={(state) => set('state', state ?? '')}
          allowDeselect={false}
          w={150}
        />
        <Text size="sm" c="dimmed" role="status">
          {found.length === services.length ? '' : `${found.length} of ${services.length}`}
        </Text>
      </Group>
      <Wide minWidth={860} visibleFrom="sm">
        <Table highlightOnHover aria-label="Mobile services" bg="var(--mantine-color-body)" withTableBorder>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>Region</Table.Th>
              <Table.Th>Size</Table.Th>
              <Table.Th>Server</Table.Th>
              <Table.Th>Pair</Table.Th>
              <Table.Th>Standby</Table.Th>
              <Table.Th>Backups</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((service) => (
              <Row key={service.name} service={service} nowMs={nowMs} />
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
      <Stack gap="xs" hiddenFrom="sm">
        {shown.map((service) => (
          <ServiceCard key={service.name} service={service} nowMs={nowMs} />
        ))}
      </Stack>
      {pages > 1 ? (
        <Pagination
          total={pages}
          value={at}
          onChange={setPage}
          size="sm"
          getControlProps={(control) => ({ 'aria-label': `${control} page` })}
          getItemProps={(number) => ({ 'aria-label': `Page ${number}` })}
        />
      ) : null}
    </Stack>
  )
}

type RowProps = { service: ServiceView; nowMs: number }

function Row({ service, nowMs }: RowProps) {
  const exposure = exposureText(service.exposure, nowMs)
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} href={`/services/${service.name}`} fw={600} size="sm">
          {service.name}
        </Anchor>
        {service.operation ? <UnderWay operation={service.operation} /> : null}
      </Table.Td>
      <Table.Td>
        <HealthBadge state={service.health.state} />
        <Since service={service} nowMs={nowMs} />
      </Table.Td>
      <Table.Td className={styles.short ?? ''}>{service.region}</Table.Td>
      <Table.Td className={styles.short ?? ''}>{sizeText(service)}</Table.Td>
      <Table.Td className={styles.short ?? ''}>
        <Anchor component={Link} href={`/databases/${service.server}`} size="sm">
          {service.server}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <PairText service={service} />
      </Table.Td>
      <Table.Td className={styles.short ?? ''}>{exposure.standby}</Table.Td>
      <Table.Td className={styles.short ?? ''}>{exposure.vault}</Table.Td>
    </Table.Tr>
  )
}

function ServiceCard({ service, nowMs }: RowProps) {
  const exposure = exposureText(service.exposure, nowMs)
  return (
    <Card withBorder padding="sm" bg="var(--mantine-color-body)">
      <Group justify="space-between" wrap="nowrap">
        <Anchor component={Link} href={`/services/${service.name}`} fw={600}>
          {service.name}
        </Anchor>
        <HealthBadge state={service.health.state} />
      </Group>
      <Since service={service} nowMs={nowMs} />
      <Text size="sm" c="dimmed" mt={4}>
        {service.region}, {sizeText(service)}, on {service.server}
      </Text>
      <Text size="sm" c="dimmed" component="div">
        <PairText service={service} />
      </Text>
      <Text size="sm" c="dimmed">
        Standby: {exposure.standby}. Backups: {exposure.vault}.
      </Text>
      {service.operation ? <UnderWay operation={service.operation} /> : null}
    </Card>
  )
}

function Since({ service: { health }, nowMs }: RowProps) {
  if (health.cause === null && health.since === null) return null
  return (
    <Text size="xs" c="dimmed" maw={260}>
      {health.cause === null ? null : causeText(health.cause)}
      {health.since === null ? null : `, for ${formatSpan(health.since, nowMs)}`}
    </Text>
  )
}

function PairText({ service }: { service: ServiceView }) {
  const { secondary, secondaryFor } = service
  if (secondaryFor !== null) return <>stands by for {secondaryFor}</>
  return secondary === null ? <>no secondary</> : <>secondary {secondary}</>
}

function UnderWay({ operation }: { operation: string }) {
  return (
    <div>
      <Badge component={Link} href={`/operations/${operation}`} variant="outline" size="sm" tt="none">
        operation under way
      </Badge>
    </div>
  )
}
