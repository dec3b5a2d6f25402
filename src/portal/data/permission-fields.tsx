// Who may do what: four levels for each operation of a table, or method of a custom API.
import { NativeSelect, SimpleGrid } from '@mantine/core'
import { PERMISSION_LEVELS, type PermissionLevel } from '../../contract/permissions.ts'

export const LEVEL_WORDS: Record<PermissionLevel, string> = {
  public: 'public: everybody',
  application: 'application: whoever has the application key',
  user: 'user: who is signed in to the app',
  admin: 'admin: scripts and the master key',
}

type Props<Name extends string> = {
  names: readonly Name[]
  value: Record<Name, PermissionLevel>
  onChange: (value: Record<Name, PermissionLevel>) => void
}

export function PermissionFields<Name extends string>({ names, value, onChange }: Props<Name>) {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
      {names.map((name) => (
        <NativeSelect
          key={name}
          label={name}
          value={value[name]}
          onChange={(event) => onChange({ ...value, [name]: event.currentTarget.value as PermissionLevel })}
          data={PERMISSION_LEVELS.map((level) => ({ value: level, label: LEVEL_WORDS[level] }))}
        />
      ))}
    </SimpleGrid>
  )
}

/** In a line. */
export function permissionsText<Name extends string>(
  names: readonly Name[],
  permissions: Record<Name, PermissionLevel>,
): string {
  const levels = new Set(names.map((name) => permissions[name]))
  if (levels.size === 1) return `all ${[...levels][0]}`
  return names.map((name) => `${name} ${permissions[name]}`).join(', ')
}
