// Services that ended and can be brought back: secondaries that were given up, and what was deleted.

import { Group, NativeSelect, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { ArchiveView, RestoreService, StatusView } from '../../contract/api.ts'
import { archivesQuery } from '../calls/queries.ts'
import {
  beginDeleteArchived,
  beginRestoreService,
  planDeleteArchived,
  planRestoreService,
} from '../calls/service-changes.ts'
import { formatAge, sizeText } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { useNow } from '../kit/now.ts'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'

export function ArchivesPanel({ status }: { status: StatusView }) {
  const may = useMay()
  const nowMs = useNow()
  const { data: archives = [] } = useQuery(archivesQuery())
  if (archives.length === 0) return null
  return (
    <Panel title="Services that ended" about="They come back with their tables, keys, rows and promise.">
      <Wide minWidth={620}>
        <Table aria-label="Services that ended">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>Why</Table.Th>
              <Table.Th>Was in</Table.Th>
              <Table.Th>Size</Table.Th>
              <Table.Th>When</Table.Th>
              <Table.Th>Its data</Table.Th>
              {may.change ? <Table.Th>Actions</Table.Th> : null}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {archives.map((archive) => (
              <Table.Tr key={`${archive.name} ${archive.archivedAt}`}>
                <Table.Td>{archive.name}</Table.Td>
                <Table.Td>{archive.reason}</Table.Td>
                <Table.Td>{regionName(status, archive.region)}</Table.Td>
                <Table.Td>{sizeText(archive)}</Table.Td>
                <Table.Td>{formatAge(archive.archivedAt, nowMs)}</Table.Td>
                <Table.Td>{dataText(archive)}</Table.Td>
                {may.change ? (
                  <Table.Td>
                    <Group gap={4} wrap="nowrap">
                      <BringBack archive={archive} status={status} />
                      <DropNow archive={archive} />
                    </Group>
                  </Table.Td>
                ) : null}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
    </Panel>
  )
}

function BringBack({ archive, status }: { archive: ArchiveView; status: StatusView }) {
  const { name } = archive
  const home = regionName(status, archive.region)
  const [location, setLocation] = useState('')
  const endedAt = archive.archivedAt
  const request: RestoreService = location === '' ? { endedAt } : { endedAt, location }
  return (
    <ChangeButton
      label="Bring back"
      isSmall
      variant="subtle"
      title={`Bring ${name} back`}
      verb="Bring it back"
      form={
        <Stack gap="sm">
          <Text size="sm">It is what it was, with its key and its rows.</Text>
          <NativeSelect
            label="Region"
            value={location}
            onChange={(event) => setLocation(event.currentTarget.value)}
            data={[
              { value: '', label: `Where it was: ${home}` },
              ...status.regions.filter((one) => one.name !== home).map((one) => ({ value: one.name, label: one.name })),
            ]}
          />
        </Stack>
      }
      plan={() => planRestoreService(name, request)}
      run={(key) => beginRestoreService(name, request, key)}
    />
  )
}

function DropNow({ archive: { name, archivedAt } }: { archive: ArchiveView }) {
  return (
    <ChangeButton
      label="Drop"
      isSmall
      variant="subtle"
      isDangerous
      title={`Drop what is kept of ${name}`}
      verb="Drop it"
      typed={name}
      about="It cannot be brought back then."
      plan={() => planDeleteArchived(name, archivedAt)}
      run={(key) => beginDeleteArchived(name, archivedAt, key)}
    />
  )
}

function dataText({ hasData, dropDataAt }: ArchiveView): string {
  if (!hasData) return 'dropped'
  return dropDataAt ? `kept until ${dropDataAt.slice(0, 10)}` : 'kept'
}

// What ended is told with the slug of its region.
function regionName({ regions }: StatusView, slug: string): string {
  return regions.find((region) => region.slug === slug)?.name ?? slug
}
