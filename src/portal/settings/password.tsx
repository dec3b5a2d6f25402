// Changing one's own password.
import { Button, Group, PasswordInput, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { changePassword } from '../calls/cloud-changes.ts'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { Panel } from '../kit/panel.tsx'
import { NewPassword } from '../session/new-password.tsx'
import { isPasswordFit } from '../session/password-fit.ts'

const EMPTY = { wanted: '', again: '' }

export function PasswordPart() {
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState(EMPTY)
  const change = useMutation({
    mutationFn: () => changePassword({ current, wanted: password.wanted }),
    onSuccess: () => {
      setCurrent('')
      setPassword(EMPTY)
    },
  })
  return (
    <Panel title="Your password" about="Who signs in through an OpenID provider has none here.">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate()
        }}
      >
        <Stack gap="sm" maw={420}>
          <PasswordInput
            label="Current password"
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
            autoComplete="current-password"
          />
          <NewPassword value={password} onChange={setPassword} />
          <FaultAlert error={change.error} />
          <Group gap="sm">
            <Button type="submit" loading={change.isPending} disabled={current === '' || !isPasswordFit(password)}>
              Change it
            </Button>
            <Text size="sm" role="status">
              {change.isSuccess ? 'It was changed.' : ''}
            </Text>
          </Group>
        </Stack>
      </form>
    </Panel>
  )
}
