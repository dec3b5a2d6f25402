// A line to type into a terminal, to be copied as it is.
import { ActionIcon, Code, CopyButton, Group, Tooltip } from '@mantine/core'
import styles from './command-line.module.css'
import { commandsIn } from './command-text.ts'
import { Icon } from './icon.tsx'

/** The command in a box, with a button that copies it. */
export function CommandLine({ command, label = 'Copy the command' }: { command: string; label?: string }) {
  return (
    <Group gap={4} wrap="nowrap" className={styles.line}>
      <pre className={styles.text}>{command}</pre>
      <CopyAction value={command} label={label} />
    </Group>
  )
}

/** A small button that copies, and says so. */
export function CopyAction({ value, label }: { value: string; label: string }) {
  return (
    <CopyButton value={value} timeout={2_000}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label}>
          <ActionIcon variant="subtle" color="gray" onClick={copy} aria-label={copied ? 'Copied' : label}>
            <Icon name={copied ? 'check' : 'copy'} />
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}

/** A sentence in which commands stand out. */
export function CommandText({ text }: { text: string }) {
  return (
    <>
      {commandsIn(text).map((part, index) =>
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never move.
        part.isCommand ? <Code key={index}>{part.text}</Code> : <span key={index}>{part.text}</span>,
      )}
    </>
  )
}
