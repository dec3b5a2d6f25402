// Reads the head of a request that is plain in every way. It is strict, and need not know everything: what it does not
// take is read by Node's parser, which answers for it. Pure.
import { INTERNAL_HEADER_PREFIX } from '../contract/protocols.ts'
import { LANE_BODY_BYTES_MAX, LANE_HEAD_BYTES_MAX, LANE_LINES_MAX } from '../kit/limits.ts'
import { NOT_FORWARDED } from './forwarded-headers.ts'
import { LinePicker } from './line-picker.ts'

export type PlainHead = {
  method: string
  url: string
  /** Those that a gateway looks at. */
  headers: LookedAt
  /** Lines of headers that are passed on as they are. */
  lines: string
  /** With the empty line at its end. */
  headBytes: number
  /** Bytes that follow it and belong to it. */
  bodyBytes: number
}
type LookedAt = Record<(typeof LOOKED_AT)[number], string | undefined>

const LOOKED_AT = [
  ...['host', 'connection', 'content-length', 'cookie'],
  ...['x-request-id', 'x-forwarded-for', 'x-forwarded-proto', 'x-zumo-installation-id'],
  ...['origin', 'access-control-request-method', 'access-control-request-headers'],
] as const
// In `[!-"$-~]`: no `#`, which begins what no client sends.
const FIRST = String.raw`(GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE) (\/[!-"$-~]*) HTTP\/1\.1\r\n`
const LINE = String.raw`[!#$%&'*+.^_\x60|~\w-]+:[\t -~]*\r\n`
const HEAD = new RegExp(String.raw`^${FIRST}(?:${LINE}){1,${LANE_LINES_MAX}}\r\n$`)
const END = Buffer.from('\r\n\r\n')
const HOST = /^[\w.-]+(?::\d{1,5})?$|^\[[\da-f:.]+\](?::\d{1,5})?$/i
const LENGTH = /^\d{1,9}$/
const NOT_PASSED_ON = new Set<string>([...NOT_FORWARDED, 'cookie'])
// It changes how a request is read, or by whom, or is ours alone.
const NOT_PLAIN = [...NOT_FORWARDED, `${INTERNAL_HEADER_PREFIX}[^:]*`]
const PICKER = new LinePicker([...LOOKED_AT, ...NOT_PLAIN])

/** The head at the beginning of these bytes; `hand over`: it is not plain; null: more has to come to see that. */
export function scanPlainHead(bytes: Buffer): PlainHead | 'hand over' | null {
  const end = bytes.indexOf(END)
  if (end < 0) return mayBecomePlain(bytes) ? null : 'hand over'
  const headBytes = end + END.length
  if (headBytes > LANE_HEAD_BYTES_MAX) return 'hand over'
  const text = bytes.toString('latin1', 0, headBytes)
  const [, method = '', url = ''] = HEAD.exec(text) ?? []
  if (method === '') return 'hand over'
  const headers = nothingYet()
  let isPlain = true
  const lines = PICKER.pick(text, (name, value) => {
    // There twice, of which each reader might take another.
    if (!(name in headers) || headers[name as keyof LookedAt] !== undefined) isPlain = false
    else headers[name as keyof LookedAt] = value
    return !NOT_PASSED_ON.has(name)
  })
  const bodyBytes = bodyBytesOf(method, headers)
  if (!isPlain || !isUsual(headers) || bodyBytes === null) return 'hand over'
  return { method, url, headers, lines, headBytes, bodyBytes }
}

// Whatever begins with something else, such as a handshake of TLS, is nothing to wait for.
function mayBecomePlain(bytes: Buffer): boolean {
  const first = bytes[0] ?? 0
  return bytes.length <= LANE_HEAD_BYTES_MAX && first >= 0x44 && first <= 0x50
}

// One shape for all of them, which is quick to fill and to read.
function nothingYet(): LookedAt {
  return {
    host: undefined,
    connection: undefined,
    'content-length': undefined,
    cookie: undefined,
    'x-request-id': undefined,
    'x-forwarded-for': undefined,
    'x-forwarded-proto': undefined,
    'x-zumo-installation-id': undefined,
    origin: undefined,
    'access-control-request-method': undefined,
    'access-control-request-headers': undefined,
  }
}

function isUsual({ host = '', connection = 'keep-alive' }: LookedAt): boolean {
  return HOST.test(host) && connection.toLowerCase() === 'keep-alive'
}

// Null: one that would not be expected, is missing, is no number, or is too much.
function bodyBytesOf(method: string, { 'content-length': length }: LookedAt): number | null {
  if (length === undefined) return method.startsWith('P') ? null : 0
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || !LENGTH.test(length)) return null
  const bodyBytes = Number(length)
  return bodyBytes <= LANE_BODY_BYTES_MAX ? bodyBytes : null
}
