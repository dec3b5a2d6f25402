// Reads the head of a runtime's answer, as strictly as it may be read by whoever has to know where the answer ends. Pure.
import type { BodyFrame } from './body-walk.ts'
import { NOT_ANSWERED } from './forwarded-headers.ts'
import { LinePicker } from './line-picker.ts'

export type AnswerHead = {
  status: number
  /** Lines of headers that are passed on as they are. */
  lines: string
  contentType: string
  hasDate: boolean
  /** With the empty line at its end, and with interim answers before it. */
  headBytes: number
  body: BodyFrame
  /** True when the connection ends with this answer. */
  isLast: boolean
}

const HEAD = /^HTTP\/1\.1 ([1-9]\d\d) [\t -~\x80-\xff]*\r\n(?:[!#$%&'*+.^_`|~\w-]+:[\t -~\x80-\xff]*\r\n)*\r\n$/
const END = Buffer.from('\r\n\r\n')
const LENGTH = /^\d{1,15}$/
const SWITCHING = 101
const PICKER = new LinePicker(['content-length', 'content-type', 'date', ...NOT_ANSWERED])

/** The head at the beginning of these bytes; `broken`: it is none that can be followed; null: it is not whole yet. */
export function scanAnswerHead(bytes: Buffer, method: string): AnswerHead | 'broken' | null {
  let begin = 0
  for (;;) {
    const end = bytes.indexOf(END, begin)
    if (end < 0) return null
    const headBytes = end + END.length
    const text = bytes.toString('latin1', begin, headBytes)
    const status = Number(HEAD.exec(text)?.[1] ?? 0)
    if (status === 0 || status === SWITCHING) return 'broken'
    if (status >= 200) return headOf(text, { method, status, headBytes })
    begin = headBytes
  }
}

function headOf(text: string, about: { method: string; status: number; headBytes: number }): AnswerHead | 'broken' {
  const found = { length: '', coding: '', contentType: '', connection: '', hasDate: false }
  const lines = PICKER.pick(text, (name, value) => {
    // Lists of what must be there once are nothing that anybody can follow.
    if (name === 'content-length') found.length += value === '' || found.length !== '' ? ',' : value
    else if (name === 'transfer-encoding') found.coding += value === '' || found.coding !== '' ? ',' : value
    else if (name === 'connection') found.connection += value
    else if (name === 'content-type') found.contentType += value
    else if (name === 'date') found.hasDate = true
    return !NOT_ANSWERED.has(name)
  })
  const body = frameOf(about, found)
  if (body === null) return 'broken'
  const { status, headBytes } = about
  const { contentType, hasDate, connection } = found
  const isLast = connection !== '' && connection.toLowerCase() !== 'keep-alive'
  return { status, lines, contentType, hasDate, headBytes, body, isLast }
}

// Null: nobody can say where it ends.
function frameOf(
  { method, status }: { method: string; status: number },
  { length, coding }: { length: string; coding: string },
): BodyFrame | null {
  if (length !== '' && (coding !== '' || !LENGTH.test(length))) return null
  if (coding !== '' && coding !== 'chunked') return null
  if (method === 'HEAD' || status === 204 || status === 304) return { kind: 'none' }
  if (coding !== '') return { kind: 'chunked' }
  return length === '' ? null : { kind: 'length', bytes: Number(length) }
}
