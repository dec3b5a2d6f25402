// Creating a table with its permissions.
import { Checkbox, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { DEFAULT_PERMISSIONS, TABLE_OPERATIONS, type TablePermissions } from '../../contract/permissions.ts'
import { createTable } from '../calls/table-changes.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { PermissionFields } from './permission-fields.tsx'

export function CreateTableButton({ service }: { service: string }) {
  const [, goTo] = useLocation()
  const [name, setName] = useState('TodoItem')
  const [hasSoftDelete, setSoftDelete] = useState(false)
  const [hasIntegerIds, setIntegerIds] = useState(false)
  const [permissions, setPermissions] = useState<TablePermissions>(DEFAULT_PERMISSIONS)
  return (
    <ChangeButton
      label="Create a table"
      icon={<Icon name="plus" />}
      variant="filled"
      title="Create a table"
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
          <Checkbox
            label="Soft delete: a delete marks a row, so that apps that were offline hear of it"
            checked={hasSoftDelete}
            disabled={hasIntegerIds}
            onChange={(event) => setSoftDelete(event.currentTarget.checked)}
          />
          <Checkbox
            label="Integer ids: the service gives them; without soft delete"
            checked={hasIntegerIds}
            disabled={hasSoftDelete}
            onChange={(event) => setIntegerIds(event.currentTarget.checked)}
          />
          <PermissionFields names={TABLE_OPERATIONS} value={permissions} onChange={setPermissions} />
        </Stack>
      }
      isFormReady={name.trim() !== ''}
      run={() =>
        createTable(service, {
          ...{ name: name.trim(), permissions, hasSoftDelete },
          ...(hasIntegerIds ? { idType: 'integer' } : {}),
        })
      }
      onDone={() => goTo(`/services/${service}/data/${name.trim()}`)}
    />
  )
}
