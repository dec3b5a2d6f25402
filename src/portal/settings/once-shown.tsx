// A secret that is told this once.
import { Modal, Stack, Text } from '@mantine/core'
import { CommandLine } from '../kit/command-line.tsx'

type Props = { title: string; about: string; secret: string | null; onClose: () => void }

export function OnceShown({ title, about, secret, onClose }: Props) {
  return (
    <Modal opened={secret !== null} onClose={onClose} title={title}>
      <Stack gap="sm">
        <Text size="sm">{about}</Text>
        <CommandLine command={secret ?? ''} label="Copy it" />
      </Stack>
    </Modal>
  )
}
