// Creating a mobile service: the same choices as `mainstay mobile create`.
import { NumberInput, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { CreateService, Mode, StatusView } from '../../contract/api.ts'
import { serversQuery } from '../calls/queries.ts'
import { beginCreate, planCreate } from '../calls/service-changes.ts'
import { ChangeDialog } from '../kit/change-dialog.tsx'

type Props = { isOpen: boolean; onClose: () => void; status: StatusView; secondaryFor?: string }
type Wish = { name: string; location: string; mode: Mode | ''; units: number; secondaryFor: string; sqlServer: string }

const NEW_SERVER = 'new'
const UNITS_MAX = 100

export function CreateServiceDialog({ isOpen, onClose, status, secondaryFor = '' }: Props) {
  const [, goTo] = useLocation()
  const primary = status.services.find(({ name }) => name === secondaryFor)
  const elsewhere = status.regions.find(({ name }) => name !== primary?.region)
  const [wish, setWish] = useState<Wish>(() => ({
    ...{ name: secondaryFor === '' ? '' : `${secondaryFor}-2`, location: primary ? (elsewhere?.name ?? '') : '' },
    ...{ mode: '', units: 1, secondaryFor, sqlServer: '' },
  }))
  const request = requestOf(wish)
  return (
    <ChangeDialog
      isOpen={isOpen}
      onClose={onClose}
      change={{
        title: secondaryFor === '' ? 'Create a mobile service' : `Create a secondary for ${secondaryFor}`,
        verb: 'Create',
        form: <CreateFields wish={wish} setWish={setWish} status={status} />,
        isFormReady: wish.name.trim() !== '',
        plan: () => planCreate(request),
        run: (key) => beginCreate(request, key),
        onDone: () => {
          if (secondaryFor === '') goTo(`/services/${request.name}`)
        },
      }}
    />
  )
}

type FieldsProps = { wish: Wish; setWish: (wish: Wish) => void; status: StatusView }

function CreateFields({ wish, setWish, status }: FieldsProps) {
  const { data: servers = [] } = useQuery(serversQuery())
  const set = (part: Partial<Wish>) => setWish({ ...wish, ...part })
  const primaries = status.services.filter(({ secondaryFor, secondary }) => secondaryFor === null && secondary === null)
  const promised = new Set([...primaries.map(({ name }) => name), ...(wish.secondaryFor ? [wish.secondaryFor] : [])])
  return (
    <Stack gap="sm">
      <TextInput
        label="Name"
        description="It stands in the URL of its apps."
        value={wish.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        autoComplete="off"
        data-autofocus
      />
      <Select
        label="Region"
        data={[
          { value: '', label: 'The first region' },
          ...status.regions.map((region) => ({
            value: region.name,
            label: `${region.name}: ${region.sharedSlots - region.sharedSlotsUsed} shared slots and ${
              region.reservedUnits - region.reservedUnitsUsed
            } reserved units free`,
          })),
        ]}
        value={wish.location}
        onChange={(location) => set({ location: location ?? '' })}
        allowDeselect={false}
      />
      <Select
        label="Secondary for"
        description="Its capacity is promised to that service: a recovery takes it."
        data={[{ value: '', label: 'None: it is a service of its own' }, ...promised]}
        value={wish.secondaryFor}
        onChange={(name) => set({ secondaryFor: name ?? '' })}
        allowDeselect={false}
        searchable
      />
      <div>
        <Text size="sm" fw={500} id="create-mode">
          Mode
        </Text>
        <SegmentedControl
          aria-labelledby="create-mode"
          data={[
            { value: '', label: wish.secondaryFor === '' ? 'Shared (usual)' : 'As the primary' },
            ...(wish.secondaryFor === '' ? [] : [{ value: 'shared', label: 'Shared' }]),
            { value: 'reserved', label: 'Reserved' },
          ]}
          value={wish.mode}
          onChange={(mode) => set({ mode: mode as Wish['mode'] })}
        />
      </div>
      {wish.mode === 'reserved' ? (
        <NumberInput
          label="Units"
          min={1}
          max={UNITS_MAX}
          value={wish.units}
          onChange={(units) => set({ units: Number(units) || 1 })}
          allowDecimal={false}
          w={120}
        />
      ) : null}
      <Select
        label="Database server"
        data={[
          { value: '', label: 'Usual: its own when reserved, else the region’s' },
          { value: NEW_SERVER, label: 'A new one' },
          ...servers.map(({ name, region }) => ({ value: name, label: `${name}, in ${region}` })),
        ]}
        value={wish.sqlServer}
        onChange={(sqlServer) => set({ sqlServer: sqlServer ?? '' })}
        allowDeselect={false}
      />
    </Stack>
  )
}

function requestOf({ name, location, mode, units, secondaryFor, sqlServer }: Wish): CreateService {
  return {
    name: name.trim(),
    ...(location === '' ? {} : { location }),
    ...(mode === '' ? {} : { mode }),
    ...(mode === 'reserved' ? { units } : {}),
    ...(secondaryFor === '' ? {} : { secondaryFor }),
    ...(sqlServer === '' ? {} : { sqlServer }),
  }
}
