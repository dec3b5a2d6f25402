// Commands that stand in sentences of control: `… Next: mainstay mobile recover A B`.

export type TextPart = { text: string; isCommand: boolean }

// It begins with our own name and the first word of a command, and ends with the sentence.
const WORDS =
  'account|token|mobile|sql|region|machine|join-token|operation|incident|notice|status|audit|control|dev|login|up|doctor'
const COMMAND = new RegExp(`mainstay (?:${WORDS})\\b(?: (?:"[^"]*"|[^\\s"]+))*`, 'g')

/** The sentence in order, cut where a command begins and ends. */
export function commandsIn(text: string): TextPart[] {
  const parts: TextPart[] = []
  let from = 0
  for (const match of text.matchAll(COMMAND)) {
    const command = match[0].replace(/[.,;:)]+$/, '')
    if (match.index > from) parts.push({ text: text.slice(from, match.index), isCommand: false })
    parts.push({ text: command, isCommand: true })
    from = match.index + command.length
  }
  if (from < text.length) parts.push({ text: text.slice(from), isCommand: false })
  return parts
}
