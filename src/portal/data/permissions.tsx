// The permissions of a table, or of a custom API.
import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { PermissionLevel } from '../../contract/permissions.ts'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { useMay } from '../session/session.ts'
import { LEVEL_WORDS, PermissionFields } from './permission-fields.tsx'

type Props<Name extends string> = {
  names: readonly Name[]
  permissions: Record<Name, PermissionLevel>
  set: (wanted: Record<Name, PermissionLevel>) => Promise<unknown>
  /** What has to be read again. */
  readAgain: readonly unknown[]
}

export function PermissionsPanel<Name extends string>(props: Props<Name>) {
  const may = useMay()
  const { names, permissions } = props
  return (
    <Panel title="Permissions" about="Who may do what. It counts from the next request on.">
      {may.change ? <Form {...props} /> : <Pairs pairs={names.map((name) => [name, LEVEL_WORDS[permissions[name]]])} />}
    </Panel>
  )
}

function Form<Name extends string>({ names, permissions, set, readAgain }: Props<Name>) {
  const client = useQueryClient()
  const [wanted, setWanted] = useState(permissions)
  const change = useMutation({
    mutationFn: () => set(wanted),
    onSuccess: () => client.invalidateQueries({ queryKey: readAgain }),
  })
  const isChanged = names.some((name) => wanted[name] !== permissions[name])
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        change.mutate()
      }}
    >
      <Stack gap="sm">
        <PermissionFields names={names} value={wanted} onChange={setWanted} />
        <FaultAlert error={change.error} />
        <Group gap="sm">
          <Button type="submit" disabled={!isChanged} loading={change.isPending}>
            Save
          </Button>
          <Text size="sm" role="status">
            {change.isSuccess && !isChanged ? 'Saved.' : ''}
          </Text>
        </Group>
      </Stack>
    </form>
  )
}
