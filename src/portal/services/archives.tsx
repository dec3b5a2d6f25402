// Services that ended and can be brought back: secondaries that were given up, and what was deleted.

import { Button, Group, NativeSelect, Stack, Table, Text } from '@mantine/core'
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
import { ChangeDialog } from '../kit/change-dialog.tsx'
import { useNow } from '../kit/now.ts'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'

type Wish = { what: 'bring back' | 'drop'; archive: ArchiveView }

export function ArchivesPanel({ status }: { status: StatusView }) {
  const { data: archives = [] } = useQuery(archivesQuery())
  // Here, not in its row: what is begun takes that away, and how it goes is still to be seen.
  const [wish, setWish] = useState<Wish | null>(null)
  const onClose = () => setWish(null)
  return (
    <>
      {archives.length === 0 ? null : <Archives archives={archives} status={status} onWish={setWish} />}
      {wish?.what === 'bring back' ? <BringBack archive={wish.archive} status={status} onClose={onClose} /> : null}
      {wish?.what === 'drop' ? <DropNow archive={wish.archive} onClose={onClose} /> : null}
    </>
  )
}

type ArchivesProps = { archives: ArchiveView[]; status: StatusView; onWish: (wish: Wish) => void }

function Archives({ archives, status, onWish }: ArchivesProps) {
  const may = useMay()
  const nowMs = useNow()
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
                      <Button
                        size="compact-sm"
                        variant="subtle"
                        onClick={() => onWish({ what: 'bring back', archive })}
                      >
                        Bring back
                      </Button>
                      <Button
                        size="compact-sm"
                        variant="subtle"
                        color="red"
                        onClick={() => onWish({ what: 'drop', archive })}
                      >
                        Drop
                      </Button>
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

type WishProps = { archive: ArchiveView; onClose: () => void }

function BringBack({ archive, status, onClose }: WishProps & { status: StatusView }) {
  const { name } = archive
  const home = regionName(status, archive.region)
  const [location, setLocation] = useState('')
  const endedAt = archive.archivedAt
  const request: RestoreService = location === '' ? { endedAt } : { endedAt, location }
  return (
    <ChangeDialog
      isOpen
      onClose={onClose}
      change={{
        title: `Bring ${name} back`,
        verb: 'Bring it back',
        form: (
          <Stack gap="sm">
            <Text size="sm">It is what it was, with its key and its rows.</Text>
            <NativeSelect
              label="Region"
              value={location}
              onChange={(event) => setLocation(event.currentTarget.value)}
              data={[
                { value: '', label: `Where it was: ${home}` },
                ...status.regions
                  .filter((one) => one.name !== home)
                  .map((one) => ({ value: one.name, label: one.name })),
              ]}
            />
          </Stack>
        ),
        plan: () => planRestoreService(name, request),
        run: (key) => beginRestoreService(name, request, key),
      }}
    />
  )
}

function DropNow({ archive: { name, archivedAt }, onClose }: WishProps) {
  return (
    <ChangeDialog
      isOpen
      onClose={onClose}
      change={{
        title: `Drop what is kept of ${name}`,
        verb: 'Drop it',
        isDangerous: true,
        typed: name,
        about: 'It cannot be brought back then.',
        plan: () => planDeleteArchived(name, archivedAt),
        run: (key) => beginDeleteArchived(name, archivedAt, key),
      }}
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
