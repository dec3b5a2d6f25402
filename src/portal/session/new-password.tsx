// The two fields of a new password.
import { PasswordInput } from '@mantine/core'
import { PASSWORD_LENGTH_MIN } from '../../contract/portal-page.ts'
import { againProblem, type PasswordPair } from './password-fit.ts'

type Props = { value: PasswordPair; onChange: (value: PasswordPair) => void }

export function NewPassword({ value, onChange }: Props) {
  return (
    <>
      <PasswordInput
        label="New password"
        description={`At least ${PASSWORD_LENGTH_MIN} characters. A sentence is good.`}
        value={value.wanted}
        onChange={(event) => onChange({ ...value, wanted: event.currentTarget.value })}
        autoComplete="new-password"
      />
      <PasswordInput
        label="The same again"
        value={value.again}
        error={againProblem(value)}
        onChange={(event) => onChange({ ...value, again: event.currentTarget.value })}
        autoComplete="new-password"
      />
    </>
  )
}
