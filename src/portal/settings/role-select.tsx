// A role, with what it may do.
import { NativeSelect } from '@mantine/core'
import type { Role } from '../../contract/api.ts'

const ROLES: { value: Role; label: string }[] = [
  { value: 'reader', label: 'reader: sees all but keys' },
  { value: 'operator', label: 'operator: also changes' },
  { value: 'owner', label: 'owner: also accounts, tokens and machines' },
]

export function RoleSelect({ value, onChange }: { value: Role; onChange: (role: Role) => void }) {
  return (
    <NativeSelect
      label="Role"
      value={value}
      onChange={(event) => onChange(event.currentTarget.value as Role)}
      data={ROLES}
    />
  )
}
