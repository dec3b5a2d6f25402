// Recovering a service: what it would do and cost now, then the name typed, then its steps as they go.
import { Button, Checkbox, Collapse, Group, Loader, Modal, NativeSelect, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { RecoverRequest, ServiceView } from '../../contract/api.ts'
import { CallFault } from '../calls/call.ts'
import { recoveryPlanQuery } from '../calls/queries.ts'
import { beginRecover } from '../calls/service-changes.ts'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { OperationProgress } from '../operations/operation-progress.tsx'
import { RecoveryPlan } from './recovery-plan.tsx'

type Props = { isOpen: boolean; onClose: () => void; service: ServiceView; secondary: string }

/** The dialog outlives the pair that it is about: a recovery ends with no secondary, and its report is still read. */
export function useRecovery(service: ServiceView): { begin: () => void; dialog: ReactNode } {
  const [secondary, setSecondary] = useState<string | null>(null)
  const [isOpen, { open, close }] = useDisclosure(false)
  return {
    begin: () => {
      setSecondary(service.secondary)
      open()
    },
    dialog:
      secondary === null ? null : (
        <RecoverDialog isOpen={isOpen} onClose={close} service={service} secondary={secondary} />
      ),
  }
}

function RecoverDialog({ isOpen, onClose, service, secondary }: Props) {
  return (
    <Modal opened={isOpen} onClose={onClose} size="xl" title={<Text fw={650}>Recover {service.name}</Text>}>
      <Moments service={service} secondary={secondary} onClose={onClose} />
    </Modal>
  )
}

type Wish = { isForced: boolean; isAnyLossAccepted: boolean; database: '' | 'keep' | 'promote' | 'restore'; to: string }

function Moments({ service, secondary, onClose }: Omit<Props, 'isOpen'>) {
  const client = useQueryClient()
  const [wish, setWish] = useState<Wish>({ isForced: false, isAnyLossAccepted: false, database: '', to: '' })
  const [typed, setTyped] = useState('')
  const [key] = useState(() => crypto.randomUUID())
  const [isBegun, setBegun] = useState(false)
  const request = requestOf(secondary, wish)
  const plan = useQuery({ ...recoveryPlanQuery(service.name, request), enabled: !isBegun })
  const begin = useMutation({
    mutationFn: () => {
      const expected = plan.data ? { expectedAction: plan.data.database.action } : {}
      return beginRecover(service.name, { ...request, ...expected }, key)
    },
    onSuccess: () => {
      setBegun(true)
      void client.invalidateQueries()
    },
  })
  if (begin.data) {
    return (
      <Stack gap="md">
        <OperationProgress id={begin.data.id} onSucceeded={() => void client.invalidateQueries()} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
        </Group>
      </Stack>
    )
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        begin.mutate()
      }}
    >
      <Stack gap="md">
        {plan.data && !plan.error ? <RecoveryPlan plan={plan.data} /> : null}
        {plan.isPending ? <Loader role="status" size="sm" aria-label="Asking what it would do" /> : null}
        <FaultAlert error={plan.error} title="It cannot be recovered like this" />
        <Choices wish={wish} setWish={setWish} refusal={plan.error instanceof CallFault ? plan.error.code : null} />
        {plan.data && !plan.error ? (
          <>
            <Text size="sm">
              This takes the capacity of <strong>{secondary}</strong> and deletes it once {service.name} has answered at
              its stable URL.
            </Text>
            <TextInput
              label={`Type ${service.name} to go on`}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
              data-autofocus
            />
          </>
        ) : null}
        <FaultAlert error={begin.error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Leave it
          </Button>
          <Button
            type="submit"
            color="red"
            disabled={!plan.data || plan.error !== null || typed.trim() !== service.name}
            loading={begin.isPending}
          >
            Recover
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

type ChoicesProps = { wish: Wish; setWish: (wish: Wish) => void; refusal: string | null }

// What is rarely needed is folded away, but for what the refusal asks about.
function Choices({ wish, setWish, refusal }: ChoicesProps) {
  const [isOpen, choices] = useDisclosure(false)
  const set = (part: Partial<Wish>) => setWish({ ...wish, ...part })
  const isForceAsked = refusal === 'recovery.not_unhealthy' || wish.isForced
  const isLossAsked = refusal === 'recovery.loss_too_high' || wish.isAnyLossAccepted
  const force = (
    <Checkbox
      label="Recover it although it is not Unhealthy"
      checked={wish.isForced}
      onChange={(event) => set({ isForced: event.currentTarget.checked })}
    />
  )
  const loss = (
    <Checkbox
      label="Accept the loss, however much it is"
      checked={wish.isAnyLossAccepted}
      onChange={(event) => set({ isAnyLossAccepted: event.currentTarget.checked })}
    />
  )
  return (
    <Stack gap="xs">
      {isForceAsked ? force : null}
      {isLossAsked ? loss : null}
      <div>
        <Button variant="subtle" size="compact-sm" px={0} onClick={choices.toggle} aria-expanded={isOpen}>
          {isOpen ? 'Hide the choices' : 'More choices'}
        </Button>
        <Collapse expanded={isOpen}>
          <Stack gap="xs" pt="xs">
            <NativeSelect
              label="Its database"
              value={wish.database}
              onChange={(event) => set({ database: event.currentTarget.value as Wish['database'] })}
              data={[
                { value: '', label: 'Usual: kept when it lives, else its standby is promoted, else restored' },
                { value: 'keep', label: 'Keep it where it is' },
                { value: 'promote', label: 'Promote its standby' },
                { value: 'restore', label: 'Restore it from the vault' },
              ]}
            />
            {wish.database === 'restore' ? (
              <TextInput
                label="As it was at"
                description="latest, a moment (2026-11-27T18:00:00Z), or the id of a backup"
                value={wish.to}
                placeholder="latest"
                onChange={(event) => set({ to: event.currentTarget.value })}
              />
            ) : null}
            {isForceAsked ? null : force}
            {isLossAsked ? null : loss}
          </Stack>
        </Collapse>
      </div>
    </Stack>
  )
}

function requestOf(secondary: string, { isForced, isAnyLossAccepted, database, to }: Wish): RecoverRequest {
  return {
    secondary,
    ...(isForced ? { isForced } : {}),
    ...(isAnyLossAccepted ? { acceptedLossMs: null } : {}),
    ...(database === '' ? {} : { database }),
    ...(database === 'restore' && to.trim() !== '' ? { to: to.trim() } : {}),
  }
}
