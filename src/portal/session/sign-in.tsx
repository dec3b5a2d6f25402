// The page that signs people in. The address stays, so that they are where they wanted to be.
import { Alert, Button, Divider, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { signInQuery } from '../calls/queries.ts'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { useTitle } from '../kit/page.tsx'
import { DoorFrame } from './door-frame.tsx'
import { rememberPlace } from './place.ts'
import { signIn } from './session.ts'
import { failureText } from './sign-in-failure.ts'

export function SignInPage() {
  useTitle('Sign in')
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const { data: how } = useQuery(signInQuery())
  const [failure] = useState(() => failureText(location.hash))
  // Said once: not again when the page is loaded anew.
  useEffect(() => {
    if (failure !== null) history.replaceState(null, '', location.pathname + location.search)
  }, [failure])
  const enter = useMutation({ mutationFn: () => signIn(client, { name, password }) })
  return (
    <DoorFrame title="Sign in" release={how?.release}>
      {failure === null ? null : (
        <Alert color="red" role="alert">
          {failure}
        </Alert>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          enter.mutate()
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="username"
            required
            withAsterisk={false}
          />
          <PasswordInput
            label="Password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="current-password"
            required
            withAsterisk={false}
          />
          <FaultAlert error={enter.error} />
          <Button type="submit" loading={enter.isPending} fullWidth>
            Sign in
          </Button>
        </Stack>
      </form>
      {how?.oidc ? (
        <>
          <Divider label="or" />
          <Button component="a" href={how.oidc.url} variant="default" fullWidth onClick={rememberPlace}>
            Sign in with {how.oidc.label}
          </Button>
        </>
      ) : null}
      <Text size="sm" c="dimmed">
        No account, or the password is lost? Ask an owner for an invitation.
      </Text>
    </DoorFrame>
  )
}
