// What went wrong, in the words of control: what is so, and what to do next.
import { Alert, Text } from '@mantine/core'
import { CallFault } from '../calls/call.ts'
import { asSentence } from './amounts.ts'
import { CommandText } from './command-line.tsx'
import { Icon } from './icon.tsx'

export function FaultAlert({ error, title }: { error: unknown; title?: string }) {
  if (error === null || error === undefined) return null
  const fault = error instanceof CallFault ? error : null
  return (
    <Alert color="red" icon={<Icon name="cross" size={18} />} title={title} role="alert">
      <Text size="sm">{error instanceof Error ? asSentence(error.message) : 'Something went wrong.'}</Text>
      {fault?.hint ? (
        <Text size="sm" mt={4} component="div">
          <CommandText text={fault.hint} />
        </Text>
      ) : null}
    </Alert>
  )
}
