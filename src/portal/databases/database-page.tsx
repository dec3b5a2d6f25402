// One database server: its members, its backups, and what can be done with it.

import { Anchor, Checkbox, Group, NativeSelect, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { formatBytes } from '../../contract/amounts.ts'
import type { Protection, ProtectServer, ServerView, SyncPolicy } from '../../contract/api.ts'
import { operationsQuery, serversQuery, statusQuery } from '../calls/queries.ts'
import {
  beginDeleteServer,
  beginPromote,
  beginProtect,
  beginSwitchServer,
  planDeleteServer,
  planPromote,
  planProtect,
  planSwitchServer,
} from '../calls/server-changes.ts'
import { formatAge } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Page } from '../kit/page.tsx'
import { Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { ToneBadge } from '../kit/state-badge.tsx'
import { Wide } from '../kit/wide.tsx'
import { MeasuresPanel } from '../measured/measures-panel.tsx'
import { OperationList } from '../operations/operation-list.tsx'
import { OperationProgress } from '../operations/operation-progress.tsx'
import { useMay } from '../session/session.ts'
import { BackupsPanel } from './backups.tsx'
import { ProtectionBadge } from './protection-badge.tsx'
import { RestoreServerButton } from './restore-server.tsx'
import { lagText, PROTECTIONS } from './server-words.ts'
import { StrandedPanel } from './stranded.tsx'

const HISTORY_TOP = 20

export function DatabasePage({ name }: { name: string }) {
  const servers = useQuery(serversQuery())
  const history = useQuery(operationsQuery({ server: name, top: HISTORY_TOP }))
  const may = useMay()
  return (
    <Page
      title={name}
      about={
        <Anchor component={Link} href="/databases" size="sm">
          All databases
        </Anchor>
      }
    >
      <Loaded query={servers} what="the servers">
        {(data) => {
          const server = data.find((one) => one.name === name)
          if (!server) return <Text size="sm">There is no server of that name.</Text>
          return (
            <>
              {server.operation === null ? null : (
                <Panel title="Under way">
                  <OperationProgress id={server.operation} />
                </Panel>
              )}
              <Facts server={server} />
              {server.kind === 'external' ? <External server={server} /> : <Members server={server} />}
              <StrandedPanel server={server.name} />
              {may.change ? <Acts server={server} /> : null}
              {server.kind === 'managed' ? <BackupsPanel server={server} /> : null}
              {server.kind === 'managed' ? <MeasuresPanel of={{ server: name }} title="Over time" /> : null}
              <Panel title="What was done">
                <OperationList operations={history.data ?? []} isWithSteps />
              </Panel>
            </>
          )
        }}
      </Loaded>
    </Page>
  )
}

function Facts({ server }: { server: ServerView }) {
  return (
    <Panel title="At a glance">
      <Pairs
        pairs={[
          ['Primary in', server.region],
          ['Protection', <ProtectionBadge key="protection" server={server} />],
          ['Without its standby', server.syncPolicy === null ? null : policyText(server.syncPolicy)],
          ['Epoch', String(server.epoch)],
          ['Vault', server.backup?.vault ?? null],
          [
            'Services',
            server.services.length === 0
              ? 'none'
              : server.services.map((service, index) => (
                  <span key={service}>
                    {index === 0 ? '' : ', '}
                    <Anchor component={Link} href={`/services/${service}`} size="sm">
                      {service}
                    </Anchor>
                  </span>
                )),
          ],
        ]}
      />
    </Panel>
  )
}

function Members({ server }: { server: ServerView }) {
  const nowMs = useNow()
  return (
    <Panel title="Members">
      <Wide minWidth={860}>
        <Table aria-label="Members">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Machine</Table.Th>
              <Table.Th>Role</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>Behind</Table.Th>
              <Table.Th>Epoch</Table.Th>
              <Table.Th>Lease</Table.Th>
              <Table.Th>Data</Table.Th>
              <Table.Th>Disk free</Table.Th>
              <Table.Th>Heard</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {server.members.map((member) => (
              <Table.Tr key={`${member.machine} ${member.role}`}>
                <Table.Td>
                  {member.machine}
                  <Text size="xs" c="dimmed">
                    {member.region}
                  </Text>
                </Table.Td>
                <Table.Td>{member.role}</Table.Td>
                <Table.Td>
                  <MemberState member={member} />
                </Table.Td>
                <Table.Td>{member.role === 'standby' ? lagText(member) : ''}</Table.Td>
                <Table.Td>{member.epoch}</Table.Td>
                <Table.Td>{member.lease}</Table.Td>
                <Table.Td>{member.dataBytes === null ? '' : formatBytes(member.dataBytes)}</Table.Td>
                <Table.Td>{member.disk === null ? '' : formatBytes(member.disk.freeBytes)}</Table.Td>
                <Table.Td>{member.lastContactAt === null ? 'never' : formatAge(member.lastContactAt, nowMs)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
      {server.members.map(({ quarantine, machine }) =>
        quarantine === null ? null : (
          <Text key={machine} size="sm">
            On {machine} the former primary is kept apart, {formatBytes(quarantine.keptBytes)} in {quarantine.folder}:
            it may have writes that no other has.
          </Text>
        ),
      )}
    </Panel>
  )
}

function MemberState({ member: { state, standing, problem } }: { member: ServerView['members'][number] }) {
  if (problem !== null) {
    return (
      <>
        <ToneBadge tone="bad" icon="cross" word={state} />
        <Text size="xs" c="dimmed">
          {problem}
        </Text>
      </>
    )
  }
  const word = standing ?? state
  if (word === 'running' || word === 'ready') return <ToneBadge tone="good" icon="check" word={word} />
  return <ToneBadge tone="warning" icon="alert" word={word} />
}

function External({ server: { external } }: { server: ServerView }) {
  if (external === null) return null
  return (
    <Panel title="Somebody else’s server" about="Its standbys and backups are theirs.">
      <Pairs
        pairs={[
          ['Takes writes at', external.at ?? 'nowhere now'],
          ['Database', external.database],
          ['User', external.user],
          ['TLS', external.tls],
          ['Version', external.version],
          ...external.hosts.map(({ place, state, problem }): [string, string] => [place, problem ?? state]),
          ...(external.standbys ?? []).map((one): [string, string] => [`Standby ${one.name}`, lagText(one)]),
        ]}
      />
    </Panel>
  )
}

function Acts({ server }: { server: ServerView }) {
  const { name, kind } = server
  if (kind === 'external') return null
  return (
    <Panel title="Actions" about="Each shows what it would do before it asks.">
      <Group gap="xs">
        <ProtectButton server={server} />
        <ChangeButton
          label="Switch over"
          title={`Move ${name} to its standby as planned`}
          verb="Move it"
          typed={name}
          plan={() => planSwitchServer(name)}
          run={(key) => beginSwitchServer(name, key)}
        />
        <PromoteButton name={name} />
        <RestoreServerButton server={name} typed={name} label="Restore to a moment" />
        <DeleteButton name={name} />
      </Group>
    </Panel>
  )
}

function ProtectButton({ server }: { server: ServerView }) {
  const { data: status } = useQuery(statusQuery())
  const [wish, setWish] = useState({
    ...{ protection: server.protection as string, location: '' },
    syncPolicy: server.syncPolicy ?? 'degrade',
  })
  const set = (part: Partial<typeof wish>) => setWish({ ...wish, ...part })
  const request: ProtectServer = {
    protection: wish.protection as Protection,
    ...(wish.protection === 'sync' ? { syncPolicy: wish.syncPolicy as SyncPolicy } : {}),
    ...(wish.location === '' ? {} : { location: wish.location }),
  }
  return (
    <ChangeButton
      label="Protect"
      title={`Protect ${server.name}`}
      verb="Protect it"
      form={
        <Stack gap="sm">
          <NativeSelect
            label="Protection"
            value={wish.protection}
            onChange={(event) => set({ protection: event.currentTarget.value })}
            data={PROTECTIONS}
          />
          {wish.protection === 'sync' ? (
            <NativeSelect
              label="When the standby is gone"
              value={wish.syncPolicy}
              onChange={(event) => set({ syncPolicy: event.currentTarget.value as SyncPolicy })}
              data={[
                { value: 'degrade', label: policyText('degrade') },
                { value: 'block', label: policyText('block') },
              ]}
            />
          ) : null}
          <NativeSelect
            label="Its standby in"
            value={wish.location}
            onChange={(event) => set({ location: event.currentTarget.value })}
            data={[
              { value: '', label: 'Any other region' },
              ...(status?.regions ?? [])
                .filter((region) => region.name !== server.region)
                .map((region) => ({ value: region.name, label: region.name })),
            ]}
          />
        </Stack>
      }
      plan={() => planProtect(server.name, request)}
      run={(key) => beginProtect(server.name, request, key)}
    />
  )
}

function PromoteButton({ name }: { name: string }) {
  const [isLossAccepted, setLossAccepted] = useState(false)
  const request = isLossAccepted ? { acceptedLossMs: null } : {}
  return (
    <ChangeButton
      label="Promote the standby"
      isDangerous
      variant="light"
      title={`Promote the standby of ${name}`}
      verb="Promote it"
      typed={name}
      form={
        <Stack gap="sm">
          <Text size="sm">For a server whose primary is lost. Services follow it; none is recovered by this.</Text>
          <Checkbox
            label="Accept the loss, however much it is"
            checked={isLossAccepted}
            onChange={(event) => setLossAccepted(event.currentTarget.checked)}
          />
        </Stack>
      }
      plan={() => planPromote(name, request)}
      run={(key) => beginPromote(name, request, key)}
    />
  )
}

function DeleteButton({ name }: { name: string }) {
  const [, goTo] = useLocation()
  const [deleteData, setDeleteData] = useState(false)
  return (
    <ChangeButton
      label="Delete"
      isDangerous
      variant="outline"
      title={`Delete the server ${name}`}
      verb="Delete"
      typed={name}
      form={
        <Checkbox
          label="Also when it holds data of services that ended"
          checked={deleteData}
          onChange={(event) => setDeleteData(event.currentTarget.checked)}
        />
      }
      plan={() => planDeleteServer(name, { deleteData })}
      run={(key) => beginDeleteServer(name, { deleteData }, key)}
      onDone={() => goTo('/databases')}
    />
  )
}

function policyText(policy: SyncPolicy): string {
  return policy === 'block' ? 'writes wait until it is back' : 'goes on once that is recorded'
}
