// The tab API: the custom APIs of a service, and one of them opened.
import { Anchor, Stack, Table, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { Link, useLocation, useSearchParams } from 'wouter'
import type { CustomApiView, ServiceView } from '../../contract/api.ts'
import {
  API_METHODS,
  type ApiPermissions,
  DEFAULT_API_PERMISSIONS,
  levelOf,
  type RoutePermissions,
} from '../../contract/permissions.ts'
import { createApi, deleteApi, setApiPermissions } from '../calls/code-changes.ts'
import { customApisQuery } from '../calls/queries.ts'
import { PermissionFields, permissionsText } from '../data/permission-fields.tsx'
import { PermissionsPanel } from '../data/permissions.tsx'
import { EMPTY_API } from '../data/script-text.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { type Pair, Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { TabLinks } from '../kit/tabs.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'

// The editor is heavy: it is fetched by who opens a script.
const ScriptPart = lazy(async () => ({ default: (await import('./script-part.tsx')).ScriptPart }))

const VIEWS = [
  { slug: 'script', label: 'Script' },
  { slug: 'permissions', label: 'Permissions' },
]

export function ApiTab({ service, part }: { service: ServiceView; part: string | undefined }) {
  const apis = useQuery(customApisQuery(service.name))
  return (
    <Loaded query={apis} what="the custom APIs">
      {(data) => {
        if (part === undefined) return <Apis service={service} apis={data} />
        const api = data.find(({ name }) => name === part)
        return api ? <OneApi service={service.name} api={api} /> : <Text size="sm">There is no such API.</Text>
      }}
    </Loaded>
  )
}

function Apis({ service, apis }: { service: ServiceView; apis: CustomApiView[] }) {
  const may = useMay()
  return (
    <Panel title="Custom APIs" actions={may.change ? <CreateApiButton service={service.name} /> : null}>
      {apis.length === 0 ? (
        <Text size="sm">
          There is none yet. One answers at {service.url.replace(/\/$/, '')}/api/NAME, by its script.
        </Text>
      ) : (
        <Wide minWidth={480}>
          <Table highlightOnHover aria-label="Custom APIs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Script</Table.Th>
                <Table.Th>Permissions</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {apis.map((api) => (
                <Table.Tr key={api.name}>
                  <Table.Td>
                    <Anchor component={Link} href={`/services/${service.name}/api/${api.name}`} fw={600} size="sm">
                      {api.name}
                    </Anchor>
                  </Table.Td>
                  <Table.Td>{api.script === null ? 'none yet' : `version ${api.script.version}`}</Table.Td>
                  <Table.Td>
                    {permissionsText(API_METHODS, api.permissions)}
                    {api.hasAdditionalPermissions ? ' *' : ''}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      )}
    </Panel>
  )
}

// Those of all other routes are said above.
function pairOf([route, said]: [string, RoutePermissions]): Pair[] {
  if (route === '*') return []
  const levels = Object.fromEntries(API_METHODS.map((method) => [method, levelOf(said, method)])) as ApiPermissions
  return [[route, permissionsText(API_METHODS, levels)]]
}

function CreateApiButton({ service }: { service: string }) {
  const [, goTo] = useLocation()
  const [name, setName] = useState('')
  const [permissions, setPermissions] = useState<ApiPermissions>(DEFAULT_API_PERMISSIONS)
  return (
    <ChangeButton
      label="Create an API"
      icon={<Icon name="plus" />}
      variant="filled"
      title="Create an API"
      verb="Create"
      form={
        <Stack gap="sm">
          <TextInput
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
          <PermissionFields names={API_METHODS} value={permissions} onChange={setPermissions} />
        </Stack>
      }
      isFormReady={name.trim() !== ''}
      run={() => createApi(service, { name: name.trim(), permissions })}
      onDone={() => goTo(`/services/${service}/api/${name.trim()}`)}
    />
  )
}

function OneApi({ service, api }: { service: string; api: CustomApiView }) {
  const [query] = useSearchParams()
  const [, goTo] = useLocation()
  const may = useMay()
  const view = query.get('view') ?? 'script'
  const home = `/services/${service}/api`
  return (
    <Stack gap="md">
      <Text size="sm">
        <Anchor component={Link} href={home} size="sm" underline="always">
          Custom APIs
        </Anchor>{' '}
        / <strong>{api.name}</strong>
      </Text>
      <TabLinks
        label="Parts of the API"
        tabs={VIEWS.map(({ slug, label }) => ({
          ...{ href: `${home}/${api.name}?view=${slug}`, label, isHere: slug === view },
        }))}
      />
      {view === 'script' ? (
        <Suspense fallback={<Text size="sm">Fetching the editor…</Text>}>
          <ScriptPart
            service={service}
            name={`api/${api.name}`}
            start={EMPTY_API}
            without="the API answers every call with 500"
          />
        </Suspense>
      ) : null}
      {view === 'permissions' ? (
        <PermissionsPanel
          key={api.name}
          names={API_METHODS}
          permissions={api.permissions}
          set={(wanted) => setApiPermissions(service, api.name, wanted)}
          readAgain={['scripts', service, 'apis']}
        />
      ) : null}
      {view === 'permissions' && api.routes !== undefined ? (
        <Panel
          title="Permissions by route"
          about={`Routes of its script with permissions of their own; those above hold for all others. They are changed with: mainstay mobile api update ${service} ${api.name} --file FILE`}
        >
          <Pairs pairs={Object.entries(api.routes).flatMap(pairOf)} />
        </Panel>
      ) : null}
      {may.change ? (
        <Panel title="Delete the API">
          <div>
            <ChangeButton
              label="Delete"
              isDangerous
              variant="outline"
              title={`Delete the API ${api.name}`}
              verb="Delete it"
              plan={async () => ['Apps that call it are refused', 'The versions of its script are kept']}
              run={() => deleteApi(service, api.name)}
              onDone={() => goTo(home)}
            />
          </div>
        </Panel>
      ) : null}
    </Stack>
  )
}
