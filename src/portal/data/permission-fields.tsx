// Who may do what to a table: four operations, four levels.
import { NativeSelect, SimpleGrid } from '@mantine/core'
import {
  PERMISSION_LEVELS,
  type PermissionLevel,
  TABLE_OPERATIONS,
  type TablePermissions,
} from '../../contract/permissions.ts'

export const LEVEL_WORDS: Record<PermissionLevel, string> = {
  public: 'public: everybody',
  application: 'application: whoever has the application key',
  user: 'user: who is signed in to the app',
  admin: 'admin: scripts and the master key',
}

type Props = { value: TablePermissions; onChange: (value: TablePermissions) => void }

export function PermissionFields({ value, onChange }: Props) {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
      {TABLE_OPERATIONS.map((operation) => (
        <NativeSelect
          key={operation}
          label={operation}
          value={value[operation]}
          onChange={(event) => onChange({ ...value, [operation]: event.currentTarget.value as PermissionLevel })}
          data={PERMISSION_LEVELS.map((level) => ({ value: level, label: LEVEL_WORDS[level] }))}
        />
      ))}
    </SimpleGrid>
  )
}
