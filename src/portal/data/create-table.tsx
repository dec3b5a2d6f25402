// Creating a table with its permissions.
import { Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { DEFAULT_PERMISSIONS, type TablePermissions } from '../../contract/permissions.ts'
import { createTable } from '../calls/table-changes.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { PermissionFields } from './permission-fields.tsx'

export function CreateTableButton({ service }: { service: string }) {
  const [, goTo] = useLocation()
  const [name, setName] = useState('TodoItem')
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
          <PermissionFields value={permissions} onChange={setPermissions} />
        </Stack>
      }
      isFormReady={name.trim() !== ''}
      run={() => createTable(service, { name: name.trim(), permissions })}
      onDone={() => goTo(`/services/${service}/data/${name.trim()}`)}
    />
  )
}
