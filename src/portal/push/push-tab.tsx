// The tab Push: each platform, who may register devices, the script of registrations, and how messages went.
import { Group, NativeSelect, PasswordInput, Stack, Table, Text, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import type { PushPlatformView, PushSendView, PushView, ServiceView } from '../../contract/api.ts'
import { PERMISSION_LEVELS, type PermissionLevel } from '../../contract/permissions.ts'
import { deletePush, setPush, setPushPermission } from '../calls/push-changes.ts'
import { pushQuery, pushSendsQuery } from '../calls/queries.ts'
import { LEVEL_WORDS } from '../data/permission-fields.tsx'
import { EMPTY_EXTENSION } from '../data/script-text.ts'
import { formatAge } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'
import { isReady, PLATFORM_FIELDS, PLATFORM_TITLES, type Typed, typedOf, wantedOf } from './platform-fields.ts'

// The editor is heavy: it is fetched by who opens this tab.
const ScriptPart = lazy(async () => ({ default: (await import('../code/script-part.tsx')).ScriptPart }))

const NAMES: Record<string, string> = {
  packageSid: 'Package SID',
  clientSecret: 'Client secret',
  mode: 'Mode',
  topic: 'Bundle id',
  keyId: 'Key id',
  teamId: 'Team id',
  key: 'Key',
  projectId: 'Project',
  clientEmail: 'Service account',
  privateKey: 'Private key',
  subject: 'Subject',
  publicKey: 'Public key, for the pages that subscribe',
  endpoint: 'Instead of its own address',
}

export function PushTab({ service }: { service: ServiceView }) {
  const push = useQuery(pushQuery(service.name))
  return (
    <Stack gap="md">
      <Loaded query={push} what="how push is set up">
        {(data) => (
          <>
            {data.platforms.map((one) => (
              <Platform key={one.platform} service={service.name} view={one} />
            ))}
            <Panel title="Windows Phone (MPNS)">
              <Text size="sm">
                Microsoft shut this service down. Old phones may still register; nothing can be sent to them.
              </Text>
            </Panel>
            <Registrations service={service.name} view={data} />
          </>
        )}
      </Loaded>
      <Sends service={service.name} />
      <Suspense fallback={<Text size="sm">Fetching the editor…</Text>}>
        <ScriptPart
          service={service.name}
          name="extensions/push"
          start={EMPTY_EXTENSION}
          without="each registration is kept as it comes"
        />
      </Suspense>
    </Stack>
  )
}

function Platform({ service, view }: { service: string; view: PushPlatformView }) {
  const may = useMay()
  const { platform, isSet, facts, registrations } = view
  return (
    <Panel
      title={PLATFORM_TITLES[platform]}
      actions={may.change ? <PlatformActions key={JSON.stringify(facts)} service={service} view={view} /> : null}
    >
      {isSet ? (
        <Pairs
          pairs={[
            ...Object.entries(facts).map(([name, value]): [string, string] => [NAMES[name] ?? name, value]),
            ['Registrations', registrations === null ? 'not known now' : String(registrations)],
          ]}
        />
      ) : (
        <Text size="sm">Not set up: nothing is sent to these devices.</Text>
      )}
    </Panel>
  )
}

function PlatformActions({ service, view }: { service: string; view: PushPlatformView }) {
  const { platform, isSet, facts } = view
  const [typed, setTyped] = useState<Typed>(() => typedOf(platform, facts))
  const title = PLATFORM_TITLES[platform]
  return (
    <Group gap="xs">
      <ChangeButton
        label={isSet ? 'Change' : 'Set up'}
        isSmall
        title={`Push to ${title}`}
        verb="Save"
        about={isSet ? 'Secrets that are left empty stay as they are.' : undefined}
        form={<PlatformForm view={view} typed={typed} onChange={setTyped} />}
        isFormReady={isReady(platform, typed, isSet)}
        run={() => setPush(service, platform, wantedOf(platform, typed))}
      />
      {isSet ? (
        <ChangeButton
          label="Delete"
          isSmall
          isDangerous
          variant="outline"
          title={`Delete the credentials of ${title}`}
          verb="Delete them"
          plan={async () => ['Nothing is sent to these devices any more', 'They stay registered']}
          run={() => deletePush(service, platform)}
        />
      ) : null}
    </Group>
  )
}

type FormProps = { view: PushPlatformView; typed: Typed; onChange: (typed: Typed) => void }

function PlatformForm({ view, typed, onChange }: FormProps) {
  const { platform } = view
  const set = (name: string, value: string) => onChange({ ...typed, [name]: value })
  return (
    <Stack gap="sm">
      {platform === 'apns' ? (
        <NativeSelect
          label="Mode"
          value={typed.mode ?? 'production'}
          onChange={(event) => set('mode', event.currentTarget.value)}
          data={['production', 'sandbox']}
        />
      ) : null}
      {PLATFORM_FIELDS[platform].map(({ name, label, hint, isLong, isSecret }) => {
        const value = typed[name] ?? ''
        const shared = { label, value, ...(hint === undefined ? {} : { description: hint }), autoComplete: 'off' }
        if (isLong)
          return (
            <Textarea
              key={name}
              {...shared}
              autosize
              minRows={3}
              maxRows={8}
              onChange={(event) => set(name, event.currentTarget.value)}
            />
          )
        if (isSecret)
          return <PasswordInput key={name} {...shared} onChange={(event) => set(name, event.currentTarget.value)} />
        return <TextInput key={name} {...shared} onChange={(event) => set(name, event.currentTarget.value)} />
      })}
      <TextInput
        label="Endpoint"
        description="Only for tests, or where the internet is away: scheme, host and port instead of the platform's own."
        value={typed.endpoint ?? ''}
        onChange={(event) => set('endpoint', event.currentTarget.value)}
        autoComplete="off"
      />
    </Stack>
  )
}

function Registrations({ service, view }: { service: string; view: PushView }) {
  const may = useMay()
  const [permission, setPermission] = useState<PermissionLevel>(view.permission)
  return (
    <Panel
      title="Registrations"
      about="Apps register their devices at /push/registrations or /push/installations."
      actions={
        may.change ? (
          <ChangeButton
            label="Permission"
            isSmall
            title="Who may register devices"
            verb="Save"
            form={
              <NativeSelect
                label="Who may register"
                value={permission}
                onChange={(event) => setPermission(event.currentTarget.value as PermissionLevel)}
                data={PERMISSION_LEVELS.map((level) => ({ value: level, label: LEVEL_WORDS[level] }))}
              />
            }
            run={() => setPushPermission(service, { permission })}
          />
        ) : null
      }
    >
      <Pairs
        pairs={[
          ['Who may register', LEVEL_WORDS[view.permission]],
          ['Script', view.hasScript ? 'extensions/push is shown each registration' : 'none'],
        ]}
      />
    </Panel>
  )
}

function Sends({ service }: { service: string }) {
  const sends = useQuery(pushSendsQuery(service))
  const nowMs = useNow()
  return (
    <Panel
      title="Messages"
      about="To tags and templates, the newest first. What goes to one device leaves no line here."
    >
      <Loaded query={sends} what="the messages">
        {(data) =>
          data.length === 0 ? (
            <Text size="sm">None was sent yet.</Text>
          ) : (
            <Wide minWidth={620}>
              <Table aria-label="Messages">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>At</Table.Th>
                    <Table.Th>To</Table.Th>
                    <Table.Th>State</Table.Th>
                    <Table.Th>Devices</Table.Th>
                    <Table.Th>Sent</Table.Th>
                    <Table.Th>Failed</Table.Th>
                    <Table.Th>Removed</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map((send) => (
                    <SendRow key={send.id} send={send} nowMs={nowMs} />
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
          )
        }
      </Loaded>
    </Panel>
  )
}

function SendRow({ send, nowMs }: { send: PushSendView; nowMs: number }) {
  return (
    <Table.Tr>
      <Table.Td>{formatAge(send.createdAt, nowMs)}</Table.Td>
      <Table.Td>
        {send.platform}: {send.tags ?? 'everybody'}
      </Table.Td>
      <Table.Td>
        {send.state}
        {send.problem === null ? null : <Text size="xs">{send.problem}</Text>}
      </Table.Td>
      <Table.Td>{send.total}</Table.Td>
      <Table.Td>{send.sent}</Table.Td>
      <Table.Td>{send.failed}</Table.Td>
      <Table.Td>{send.dead}</Table.Td>
    </Table.Tr>
  )
}
