// Database servers: where each is, how it is protected, how far its standby and its backups are.

import { Anchor, NativeSelect, Stack, Table, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import type { CreateServer, Protection, ServerView } from '../../contract/api.ts'
import { serversQuery, statusQuery } from '../calls/queries.ts'
import { beginCreateServer, planCreateServer } from '../calls/server-changes.ts'
import { countOf, formatAge } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Page } from '../kit/page.tsx'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'
import { ProtectionBadge } from './protection-badge.tsx'
import { PROTECTIONS, standbyText } from './server-words.ts'

export function DatabasesPage() {
  const servers = useQuery(serversQuery())
  const may = useMay()
  return (
    <Page title="Databases" actions={may.change ? <CreateButton /> : null}>
      <Loaded query={servers} what="the servers">
        {(data) => (
          <Panel>
            <Wide minWidth={760}>
              <Table highlightOnHover aria-label="Database servers">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Name</Table.Th>
                    <Table.Th>Primary in</Table.Th>
                    <Table.Th>Protection</Table.Th>
                    <Table.Th>Standby</Table.Th>
                    <Table.Th>Backups</Table.Th>
                    <Table.Th>Services</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map((server) => (
                    <Row key={server.name} server={server} />
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
          </Panel>
        )}
      </Loaded>
    </Page>
  )
}

function Row({ server }: { server: ServerView }) {
  const nowMs = useNow()
  const { backup, services } = server
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} href={`/databases/${server.name}`} fw={600} size="sm">
          {server.name}
        </Anchor>
        <Text size="xs" c="dimmed">
          {server.kind === 'external' ? 'external' : server.isDefault ? 'for new services of its region' : ''}
        </Text>
      </Table.Td>
      <Table.Td>{server.region}</Table.Td>
      <Table.Td>
        <ProtectionBadge server={server} />
      </Table.Td>
      <Table.Td>{standbyText(server)}</Table.Td>
      <Table.Td>
        {backup === null
          ? 'no vault'
          : (backup.problem ??
            (backup.restorableTo === null ? 'none yet' : `to ${formatAge(backup.restorableTo, nowMs)}`))}
      </Table.Td>
      <Table.Td title={services.join(', ')}>{countOf(services.length, 'service')}</Table.Td>
    </Table.Tr>
  )
}

function CreateButton() {
  const { data: status } = useQuery(statusQuery())
  const [wish, setWish] = useState({ name: '', location: '', protection: '' })
  const set = (part: Partial<typeof wish>) => setWish({ ...wish, ...part })
  const request: CreateServer = {
    name: wish.name.trim(),
    ...(wish.location === '' ? {} : { location: wish.location }),
    ...(wish.protection === '' ? {} : { protection: wish.protection as Protection }),
  }
  return (
    <ChangeButton
      label="Create a server"
      icon={<Icon name="plus" />}
      variant="filled"
      title="Create a database server"
      verb="Create"
      form={
        <Stack gap="sm">
          <TextInput
            label="Name"
            value={wish.name}
            onChange={(event) => set({ name: event.currentTarget.value })}
            autoComplete="off"
            data-autofocus
          />
          <NativeSelect
            label="Region"
            value={wish.location}
            onChange={(event) => set({ location: event.currentTarget.value })}
            data={[
              { value: '', label: 'The first region' },
              ...(status?.regions ?? []).map(({ name }) => ({ value: name, label: name })),
            ]}
          />
          <NativeSelect
            label="Protection"
            value={wish.protection}
            onChange={(event) => set({ protection: event.currentTarget.value })}
            data={[{ value: '', label: 'Usual' }, ...PROTECTIONS]}
          />
        </Stack>
      }
      isFormReady={wish.name.trim() !== ''}
      plan={() => planCreateServer(request)}
      run={(key) => beginCreateServer(request, key)}
    />
  )
}
