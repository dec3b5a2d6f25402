// A new server as another one was at a moment; the old one stays as it is.
import { NativeSelect, Slider, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { RestoreServer } from '../../contract/api.ts'
import { backupsQuery, statusQuery } from '../calls/queries.ts'
import { beginRestoreServer, planRestoreServer } from '../calls/server-changes.ts'
import { formatMoment } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { instantOf, localOf, timeLineOf } from './moment.ts'

type Props = { server: string; typed: string; label: string }

export function RestoreServerButton({ server, typed, label }: Props) {
  const [wish, setWish] = useState({ moment: '', location: '', name: '' })
  const to = instantOf(wish.moment)
  const request: RestoreServer = {
    to: to ?? 'latest',
    ...(wish.location === '' ? {} : { location: wish.location }),
    ...(wish.name.trim() === '' ? {} : { name: wish.name.trim() }),
  }
  return (
    <ChangeButton
      label={label}
      title={`Restore ${server} to a moment`}
      verb="Restore"
      typed={typed}
      form={<Fields server={server} wish={wish} setWish={setWish} />}
      isFormReady={wish.moment === '' || to !== null}
      plan={() => planRestoreServer(server, request)}
      run={(key) => beginRestoreServer(server, request, key)}
    />
  )
}

type Wish = { moment: string; location: string; name: string }
type FieldsProps = { server: string; wish: Wish; setWish: (wish: Wish) => void }

function Fields({ server, wish, setWish }: FieldsProps) {
  const { data: status } = useQuery(statusQuery())
  const { data: backups } = useQuery(backupsQuery(server))
  const set = (part: Partial<Wish>) => setWish({ ...wish, ...part })
  const restorable = backups?.restorable ?? null
  const line = backups ? timeLineOf(backups) : null
  const chosen = instantOf(wish.moment)
  const chosenMs = chosen === null ? null : Date.parse(chosen)
  return (
    <Stack gap="sm">
      <Text size="sm">
        It makes a new server from the vault. Then a service is told to use it: Configure, Change database.
      </Text>
      <TextInput
        type="datetime-local"
        step={1}
        label="As it was at"
        description={
          restorable === null
            ? 'Empty: the newest moment that there is.'
            : `Between ${formatMoment(restorable.from)} and ${formatMoment(restorable.to)}, in your clock. Empty: the newest.`
        }
        value={wish.moment}
        onChange={(event) => set({ moment: event.currentTarget.value })}
      />
      {line === null ? null : (
        <Slider
          label={(ms) => formatMoment(new Date(ms).toISOString())}
          thumbLabel="As it was at"
          min={line.fromMs}
          max={line.toMs}
          step={1_000}
          value={Math.min(line.toMs, Math.max(line.fromMs, chosenMs ?? line.toMs))}
          onChange={(ms) => set({ moment: ms >= line.toMs ? '' : localOf(ms) })}
          // Where a backup ended: from there least has to be read.
          marks={line.backups.map((value) => ({ value }))}
        />
      )}
      <NativeSelect
        label="Region"
        value={wish.location}
        onChange={(event) => set({ location: event.currentTarget.value })}
        data={[
          { value: '', label: 'The first region' },
          ...(status?.regions ?? []).map(({ name }) => ({ value: name, label: name })),
        ]}
      />
      <TextInput
        label="Name of the new server"
        placeholder={`${server}-restored`}
        value={wish.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        autoComplete="off"
      />
    </Stack>
  )
}
