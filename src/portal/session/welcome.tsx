// The page that an invitation leads to: whoever opens it chooses the account's password.
import { Button, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { useTitle } from '../kit/page.tsx'
import { DoorFrame } from './door-frame.tsx'
import { NewPassword } from './new-password.tsx'
import { isPasswordFit } from './password-fit.ts'
import { acceptInvitation } from './session.ts'

export function WelcomePage() {
  useTitle('Welcome')
  const client = useQueryClient()
  const [, goTo] = useLocation()
  const [token] = useState(() => location.hash.slice(1))
  const [password, setPassword] = useState({ wanted: '', again: '' })
  // A token that stays in the address is in the history of the browser, too.
  useEffect(() => history.replaceState(null, '', location.pathname), [])
  const accept = useMutation({
    mutationFn: () => acceptInvitation(client, { token, password: password.wanted }),
    onSuccess: () => goTo('/', { replace: true }),
  })
  if (token === '') {
    return (
      <DoorFrame title="Welcome">
        <Text size="sm">This link lacks its last part. Open the invitation again, whole, as it was given to you.</Text>
        <Button component="a" href="/" variant="default">
          To the sign-in page
        </Button>
      </DoorFrame>
    )
  }
  return (
    <DoorFrame title="Choose a password">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          accept.mutate()
        }}
      >
        <Stack gap="sm">
          <NewPassword value={password} onChange={setPassword} />
          <FaultAlert error={accept.error} />
          <Button type="submit" loading={accept.isPending} disabled={!isPasswordFit(password)} fullWidth>
            Sign in
          </Button>
        </Stack>
      </form>
    </DoorFrame>
  )
}
