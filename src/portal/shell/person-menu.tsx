// Who is signed in, and the way out.
import { Button, Menu, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useLocation } from 'wouter'
import { Icon } from '../kit/icon.tsx'
import { sessionQuery, signOut } from '../session/session.ts'

export function PersonMenu() {
  const client = useQueryClient()
  const [, goTo] = useLocation()
  const { data: session } = useQuery(sessionQuery())
  const leave = useMutation({ mutationFn: () => signOut(client) })
  if (!session) return null
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          px="xs"
          leftSection={<Icon name="user" size={18} />}
          aria-label={`Signed in as ${session.name}`}
          maw={220}
        >
          <Text component="span" size="sm" visibleFrom="sm" truncate>
            {session.name}
          </Text>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {session.name}, {session.role}
        </Menu.Label>
        <Menu.Item onClick={() => goTo('/settings/password')}>Change your password</Menu.Item>
        <Menu.Item onClick={() => leave.mutate()}>Sign out</Menu.Item>
        {leave.error ? <Menu.Label>{leave.error.message}</Menu.Label> : null}
      </Menu.Dropdown>
    </Menu>
  )
}
