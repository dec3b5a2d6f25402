// A change in three moments: what is wanted, what it would do, and doing it. Nothing happens before it was shown.
import { Button, Group, List, Loader, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useState } from 'react'
import type { OperationView } from '../../contract/api.ts'
import { OperationProgress } from '../operations/operation-progress.tsx'
import { FaultAlert } from './fault-alert.tsx'

export type Change = {
  title: string
  /** On the button that does it. */
  verb: string
  isDangerous?: boolean
  /** Sentences above all else. */
  about?: ReactNode
  /** Asked for first, where the change has more than one shape. */
  form?: ReactNode
  isFormReady?: boolean
  /** What it would do, from control. */
  plan?: () => Promise<readonly string[]>
  /** A word that has to be typed before. */
  typed?: string
  /** The key makes one change of it however often it is sent. Answers an operation where it began one. */
  run: (key: string) => Promise<unknown>
  onDone?: () => void
}

type ButtonProps = Change & {
  label: string
  icon?: ReactNode
  variant?: string
  isSmall?: boolean
  isDisabled?: boolean
}

/** A button that opens the dialog. */
export function ChangeButton({
  label,
  icon,
  variant = 'default',
  isSmall,
  isDisabled = false,
  ...change
}: ButtonProps) {
  const [isOpen, dialog] = useDisclosure(false)
  return (
    <>
      <Button
        variant={variant}
        size={isSmall ? 'compact-sm' : 'sm'}
        leftSection={icon}
        onClick={dialog.open}
        disabled={isDisabled}
        {...(change.isDangerous ? { color: 'red' } : {})}
      >
        {label}
      </Button>
      <ChangeDialog isOpen={isOpen} onClose={dialog.close} change={change} />
    </>
  )
}

export function ChangeDialog({ isOpen, onClose, change }: { isOpen: boolean; onClose: () => void; change: Change }) {
  return (
    <Modal opened={isOpen} onClose={onClose} title={<Text fw={650}>{change.title}</Text>}>
      <Moments change={change} onClose={onClose} />
    </Modal>
  )
}

function Moments({ change, onClose }: { change: Change; onClose: () => void }) {
  const client = useQueryClient()
  const [isPlanned, setPlanned] = useState(change.form === undefined)
  const [key, setKey] = useState(() => crypto.randomUUID())
  const [begun, setBegun] = useState<OperationView | null>(null)
  const work = useMutation({
    mutationFn: () => change.run(key),
    onSuccess: (answer) => {
      void client.invalidateQueries()
      if (isOperation(answer)) {
        setBegun(answer)
        return
      }
      change.onDone?.()
      onClose()
    },
  })
  if (begun !== null) {
    return (
      <Stack gap="md">
        <OperationProgress id={begun.id} {...(change.onDone ? { onSucceeded: change.onDone } : {})} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
        </Group>
      </Stack>
    )
  }
  if (!isPlanned) {
    return (
      <form
        onSubmit={(event) => {
          event.preventDefault()
          // Another wish is another change.
          setKey(crypto.randomUUID())
          if (change.plan) setPlanned(true)
          else work.mutate()
        }}
      >
        <Stack gap="md">
          {change.about ? <div>{change.about}</div> : null}
          {change.form}
          {change.plan ? null : <FaultAlert error={work.error} />}
          <Ends onClose={onClose}>
            <Button
              type="submit"
              disabled={change.isFormReady === false}
              loading={work.isPending}
              {...(change.isDangerous && !change.plan ? { color: 'red' } : {})}
            >
              {change.plan ? 'Show what it does' : change.verb}
            </Button>
          </Ends>
        </Stack>
      </form>
    )
  }
  return (
    <Plan
      change={change}
      work={{ error: work.error, isPending: work.isPending, begin: work.mutate }}
      onClose={onClose}
      onBack={change.form === undefined ? null : () => setPlanned(false)}
    />
  )
}

type PlanProps = {
  change: Change
  work: { error: Error | null; isPending: boolean; begin: () => void }
  onClose: () => void
  onBack: (() => void) | null
}

function Plan({ change, work, onClose, onBack }: PlanProps) {
  const [typed, setTyped] = useState('')
  const { mutate: look, ...plan } = useMutation({ mutationFn: async () => (await change.plan?.()) ?? [] })
  useEffect(() => look(), [look])
  const isTyped = change.typed === undefined || typed.trim() === change.typed
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        work.begin()
      }}
    >
      <Stack gap="md">
        {change.about && onBack === null ? <div>{change.about}</div> : null}
        {plan.isPending || plan.isIdle ? <Loader role="status" size="sm" aria-label="Asking what it would do" /> : null}
        <FaultAlert error={plan.error} title="This cannot be done now" />
        {plan.data && plan.data.length > 0 ? <PlanLines lines={plan.data} /> : null}
        {change.typed === undefined || plan.error ? null : (
          <TextInput
            label={`Type ${change.typed} to go on`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
            data-autofocus
          />
        )}
        <FaultAlert error={work.error} />
        <Ends onClose={onClose} onBack={onBack}>
          <Button
            type="submit"
            disabled={!plan.isSuccess || !isTyped}
            loading={work.isPending}
            {...(change.isDangerous ? { color: 'red' } : {})}
          >
            {change.verb}
          </Button>
        </Ends>
      </Stack>
    </form>
  )
}

/** What a change would do, in sentences of control. */
export function PlanLines({ lines }: { lines: readonly string[] }) {
  return (
    <div>
      <Text size="sm" fw={600} mb={4}>
        What it does
      </Text>
      <List size="sm" spacing={4}>
        {lines.map((line) => (
          <List.Item key={line}>{line}</List.Item>
        ))}
      </List>
    </div>
  )
}

type EndsProps = { onClose: () => void; onBack?: (() => void) | null; children: ReactNode }

function Ends({ onClose, onBack = null, children }: EndsProps) {
  return (
    <Group justify="flex-end" gap="xs">
      {onBack === null ? null : (
        <Button variant="subtle" onClick={onBack}>
          Back
        </Button>
      )}
      <Button variant="default" onClick={onClose}>
        Leave it
      </Button>
      {children}
    </Group>
  )
}

function isOperation(answer: unknown): answer is OperationView {
  return typeof answer === 'object' && answer !== null && 'steps' in answer && 'revision' in answer
}
