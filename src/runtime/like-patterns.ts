// Patterns of the original's LIKE: `%` any text, `_` any character, `[a-f]` and `[^a-f]` one of a set, or none of it.

const SET = /\[(\^?)([^\]]+)\]/

/** True where a pattern has a set, which PostgreSQL's LIKE does not know. */
export function hasCharacterSet(pattern: string): boolean {
  return SET.test(pattern)
}

/** A pattern without sets for PostgreSQL's LIKE: to the original a backslash is a letter like any other. */
export function likePattern(pattern: string): string {
  return pattern.replaceAll('\\', '\\\\')
}

/** A pattern with sets as a regular expression of PostgreSQL that matches the whole text. */
export function setPattern(pattern: string): string {
  const parts = pattern.split(/(\[\^?[^\]]+\])/)
  // Every second part is a set.
  return `^${parts.map((part, index) => (index % 2 === 1 ? setOf(part) : outsideOf(part))).join('')}$`
}

function outsideOf(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|%_]/g, (sign) => (sign === '%' ? '.*' : sign === '_' ? '.' : `\\${sign}`))
}

function setOf(text: string): string {
  const [, not = '', members = ''] = SET.exec(text) ?? []
  // Ranges as they are; in a set PostgreSQL reads `[:`, `[.`, `[=` and a backslash as more than themselves.
  const escaped = members.replace(/[\\[\]^]/g, (sign) => `\\${sign}`)
  return `[${not}${escaped}]`
}
