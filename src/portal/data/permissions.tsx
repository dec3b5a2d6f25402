// The permissions of a table.
import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { TableView } from '../../contract/api.ts'
import { TABLE_OPERATIONS } from '../../contract/permissions.ts'
import { setPermissions } from '../calls/table-changes.ts'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { useMay } from '../session/session.ts'
import { LEVEL_WORDS, PermissionFields } from './permission-fields.tsx'

type Props = { service: string; table: TableView }

export function PermissionsPanel({ service, table }: Props) {
  const may = useMay()
  return (
    <Panel title="Permissions" about="Who may do what. It counts from the next request on.">
      {may.change ? (
        <Form key={table.name} service={service} table={table} />
      ) : (
        <Pairs pairs={TABLE_OPERATIONS.map((operation) => [operation, LEVEL_WORDS[table.permissions[operation]]])} />
      )}
    </Panel>
  )
}

function Form({ service, table }: Props) {
  const client = useQueryClient()
  const [wanted, setWanted] = useState(table.permissions)
  const change = useMutation({
    mutationFn: () => setPermissions(service, table.name, wanted),
    onSuccess: () => client.invalidateQueries({ queryKey: ['tables', service] }),
  })
  const isChanged = TABLE_OPERATIONS.some((operation) => wanted[operation] !== table.permissions[operation])
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        change.mutate()
      }}
    >
      <Stack gap="sm">
        <PermissionFields value={wanted} onChange={setWanted} />
        <FaultAlert error={change.error} />
        <Group gap="sm">
          <Button type="submit" disabled={!isChanged} loading={change.isPending}>
            Save
          </Button>
          <Text size="sm" role="status">
            {change.isSuccess && !isChanged ? 'Saved.' : ''}
          </Text>
        </Group>
      </Stack>
    </form>
  )
}
