// The tab Data: the tables of a service, and one of them opened.

import { Anchor, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { Link, useSearchParams } from 'wouter'
import { formatBytes, formatCount } from '../../contract/amounts.ts'
import type { ServiceView, TableView } from '../../contract/api.ts'
import { TABLE_OPERATIONS } from '../../contract/permissions.ts'
import { tablesQuery } from '../calls/queries.ts'
import { setPermissions } from '../calls/table-changes.ts'
import { Loaded } from '../kit/loaded.tsx'
import { Panel } from '../kit/panel.tsx'
import { TabLinks } from '../kit/tabs.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'
import { ColumnsPanel } from './columns.tsx'
import { CreateTableButton } from './create-table.tsx'
import { permissionsText } from './permission-fields.tsx'
import { PermissionsPanel } from './permissions.tsx'
import { RowsPanel } from './rows.tsx'
import { TableEndPanel } from './table-end.tsx'

// The editor is heavy: it is fetched by who opens a script.
const ScriptsPanel = lazy(async () => ({ default: (await import('./scripts.tsx')).ScriptsPanel }))

const VIEWS = [
  { slug: 'rows', label: 'Rows' },
  { slug: 'scripts', label: 'Scripts' },
  { slug: 'columns', label: 'Columns' },
  { slug: 'permissions', label: 'Permissions' },
]

export function DataTab({ service, part }: { service: ServiceView; part: string | undefined }) {
  const tables = useQuery(tablesQuery(service.name))
  return (
    <Loaded query={tables} what="the tables">
      {(data) => {
        if (part === undefined) return <Tables service={service.name} tables={data} />
        const table = data.find(({ name }) => name === part)
        return table ? (
          <OneTable service={service.name} table={table} />
        ) : (
          <Text size="sm">There is no such table.</Text>
        )
      }}
    </Loaded>
  )
}

function Tables({ service, tables }: { service: string; tables: TableView[] }) {
  const may = useMay()
  return (
    <Panel title="Tables" actions={may.change ? <CreateTableButton service={service} /> : null}>
      {tables.length === 0 ? (
        <Text size="sm">
          There is none yet. The quickstart of every platform writes to one that is called TodoItem.
        </Text>
      ) : (
        <Wide minWidth={520}>
          <Table highlightOnHover aria-label="Tables">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Rows</Table.Th>
                <Table.Th>Size</Table.Th>
                <Table.Th>Columns</Table.Th>
                <Table.Th>Indexes</Table.Th>
                <Table.Th>Permissions</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {tables.map((table) => (
                <Table.Tr key={table.name}>
                  <Table.Td>
                    <Anchor component={Link} href={`/services/${service}/data/${table.name}`} fw={600} size="sm">
                      {table.name}
                    </Anchor>
                  </Table.Td>
                  <Table.Td>{table.recordCount === null ? 'cannot be asked' : formatCount(table.recordCount)}</Table.Td>
                  <Table.Td>{typeof table.bytes === 'number' ? formatBytes(table.bytes) : ''}</Table.Td>
                  <Table.Td>{table.columns?.length ?? ''}</Table.Td>
                  <Table.Td>{table.columns?.filter(({ indexed }) => indexed).length ?? ''}</Table.Td>
                  <Table.Td>{permissionsText(TABLE_OPERATIONS, table.permissions)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      )}
    </Panel>
  )
}

function OneTable({ service, table }: { service: string; table: TableView }) {
  const [query] = useSearchParams()
  const may = useMay()
  const view = query.get('view') ?? 'rows'
  const href = `/services/${service}/data/${table.name}`
  return (
    <Stack gap="md">
      <Text size="sm">
        <Anchor component={Link} href={`/services/${service}/data`} size="sm" underline="always">
          Tables
        </Anchor>{' '}
        / <strong>{table.name}</strong>
      </Text>
      <TabLinks
        label="Parts of the table"
        tabs={VIEWS.map(({ slug, label }) => ({ href: `${href}?view=${slug}`, label, isHere: slug === view }))}
      />
      {view === 'rows' ? <RowsPanel service={service} table={table} /> : null}
      {view === 'scripts' ? (
        <Suspense fallback={<Text size="sm">Fetching the editor…</Text>}>
          <ScriptsPanel service={service} table={table.name} />
        </Suspense>
      ) : null}
      {view === 'columns' ? <ColumnsPanel service={service} table={table} /> : null}
      {view === 'permissions' ? (
        <PermissionsPanel
          key={table.name}
          names={TABLE_OPERATIONS}
          permissions={table.permissions}
          set={(wanted) => setPermissions(service, table.name, wanted)}
          readAgain={['tables', service]}
        />
      ) : null}
      {view === 'rows' && may.change ? <TableEndPanel service={service} table={table.name} /> : null}
    </Stack>
  )
}
