// Picks lines out of a head of HTTP/1.1 by their names, and leaves the others as they are: to take every line apart
// costs more than all else that is done with a request. Whoever asks has checked the grammar of all lines. Pure.

const TAB = 0x09
const SPACE = 0x20

export class LinePicker {
  readonly #pattern: RegExp

  /** `names`: in lower case, as parts of a regular expression. */
  constructor(names: Iterable<string>) {
    this.#pattern = new RegExp(`\\r\\n(${[...names].join('|')}):`, 'gi')
  }

  /**
   * Tells each line of these names, the name in lower case, in the order in which they are there. Gives the lines of
   * the head that stay: all but its first, the empty one, and those of which it was said that they do not.
   */
  pick(head: string, stays: (name: string, value: string) => boolean): string {
    const pattern = this.#pattern
    const first = head.indexOf('\r\n')
    let rest = ''
    let from = first + 2
    pattern.lastIndex = first
    for (let found = pattern.exec(head); found; found = pattern.exec(head)) {
      const colon = pattern.lastIndex
      const end = head.indexOf('\r\n', colon)
      if (!stays((found[1] ?? '').toLowerCase(), valueIn(head, { from: colon, to: end }))) {
        rest += head.slice(from, found.index + 2)
        from = end + 2
      }
      // The end of this line is the beginning of the next.
      pattern.lastIndex = end
    }
    return rest + head.slice(from, head.length - 2)
  }
}

// Not `trim`: that takes more than blanks and tabs.
function valueIn(text: string, { from, to }: { from: number; to: number }): string {
  let begin = from
  let end = to
  while (begin < end && isBlank(text.charCodeAt(begin))) begin += 1
  while (end > begin && isBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(begin, end)
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}
