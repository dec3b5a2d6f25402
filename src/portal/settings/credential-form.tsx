// What a credential of a program is made with: whom it is for, what it may, and how long it works.

import { NativeSelect, Stack, TextInput } from '@mantine/core'
import type { Role } from '../../contract/api.ts'
import { RoleSelect } from './role-select.tsx'

/** `days`: a number of them as text, or the value of a life that the form was given. */
export type Credential = { name: string; role: Role; days: string }

const LIVES = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'a year' },
]

export function CredentialForm({
  label,
  lives = [],
  value,
  onChange,
}: {
  /** Of the name. */
  label: string
  /** Besides the usual ones. */
  lives?: { value: string; label: string }[]
  value: Credential
  onChange: (value: Credential) => void
}) {
  return (
    <Stack gap="sm">
      <TextInput
        label={label}
        value={value.name}
        onChange={(event) => onChange({ ...value, name: event.currentTarget.value })}
        autoComplete="off"
        data-autofocus
      />
      <RoleSelect value={value.role} onChange={(role) => onChange({ ...value, role })} />
      <NativeSelect
        label="It works for"
        value={value.days}
        onChange={(event) => onChange({ ...value, days: event.currentTarget.value })}
        data={[...LIVES, ...lives]}
      />
    </Stack>
  )
}
