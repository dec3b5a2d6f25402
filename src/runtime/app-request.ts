// A request of an app as the routes see it: method, decoded path, query, and a body that is read only when wanted.
import type { IncomingMessage } from 'node:http'
import { Fault } from '../kit/fault.ts'
import { REQUEST_ID_HEADER, requestIdOf } from '../kit/request-id.ts'
import type { Work } from './app-database.ts'
import { badRequest } from './app-faults.ts'
import { type ClientGeneration, clientGenerationOf } from './client-generation.ts'
import { type FormFile, isMultipart, parseMultipart, parseUrlEncoded } from './form-body.ts'

const TOO_LARGE_TEXT = 'Request body maximum size limit was exceeded.'

export type AppRequest = {
  /** In every log line about it; the gateway's. */
  id: string
  /** Upper case; what X-HTTP-Method-Override says on a POST. HEAD is GET. */
  method: string
  /** As sent, without the query. */
  path: string
  query: URLSearchParams
  /** Which clients' words it speaks. */
  clientGeneration: ClientGeneration
  headers: IncomingMessage['headers']
  work: Work
  bodyBytesMax: number
  /** The parsed body, read once: an object for JSON and forms, a string for other types, undefined for none. */
  readBody: () => Promise<unknown>
  /** The files of a form; none in any other body. */
  readFiles: () => Promise<FormFile[]>
}

/** `bodyBytesMax`: a larger body is refused. */
export function readRequest(
  message: IncomingMessage,
  options: { requestMs: number; bodyBytesMax: number },
): AppRequest {
  const target = originForm(message.url ?? '/')
  const question = target.indexOf('?')
  const query = new URLSearchParams(question < 0 ? '' : target.slice(question + 1))
  let content: Promise<Content> | null = null
  const method = methodOf(message)
  const parse = async (): Promise<Content> => {
    // As the original: whoever reads or deletes sends nothing that counts.
    if (method === 'GET' || method === 'DELETE') return { body: undefined, files: [] }
    return await parseContent(message.headers['content-type'], await readBytes(message, options.bodyBytesMax))
  }
  const read = () => {
    content ??= parse()
    return content
  }
  return {
    id: requestIdOf(message.headers[REQUEST_ID_HEADER]),
    method,
    path: question < 0 ? target : target.slice(0, question),
    query,
    clientGeneration: clientGenerationOf(message.headers, query),
    headers: message.headers,
    work: { deadline: performance.now() + options.requestMs, isWriteInFlight: false },
    bodyBytesMax: options.bodyBytesMax,
    readBody: async () => (await read()).body,
    readFiles: async () => (await read()).files,
  }
}

/** The path's segments, decoded. Not through URL, which would resolve an id of `..`. */
export function segmentsOf(path: string): string[] {
  const segments = path.split('/').slice(1)
  if (segments.at(-1) === '') segments.pop()
  try {
    return segments.map((segment) => decodeURIComponent(segment))
  } catch {
    throw badRequest('Bad Request')
  }
}

/** Refuses by its declared length, before anything is read. */
export function refuseLargeBody({ headers, bodyBytesMax }: Pick<AppRequest, 'headers' | 'bodyBytesMax'>): void {
  if (Number(headers['content-length'] ?? 0) <= bodyBytesMax) return
  throw new Fault('app.too_large', 413, TOO_LARGE_TEXT)
}

/** What a body holds. */
type Content = { body: unknown; files: FormFile[] }

async function parseContent(contentType: string | undefined, bytes: Buffer): Promise<Content> {
  if (bytes.length === 0 || !isMultipart(contentType)) {
    return { body: parseBody(contentType, bytes.toString('utf8')), files: [] }
  }
  const { fields, files } = await parseMultipart(contentType, bytes)
  return { body: fields, files }
}

/** Parses a body of text by its type. Without one it is JSON. */
export function parseBody(contentType: string | undefined, text: string): unknown {
  if (text === '') return undefined
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? 'application/json'
  if (type === 'application/x-www-form-urlencoded') return parseUrlEncoded(text)
  if (type !== 'application/json' && !type.endsWith('+json')) return text
  if (!/^\s*[[{]/.test(text)) throw badRequest('invalid json')
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new Fault('app.syntax', 400, error instanceof Error ? error.message : 'invalid json')
  }
}

// By its events: an iterator costs more than the rest of reading a small body.
async function readBytes(message: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let isWhole = false
    // Not for each request that is closed in the end: a fault looks at its stack, which costs more than a small body.
    const broken = () => {
      if (!isWhole) reject(badRequest('The request ended before its body did.'))
    }
    message.on('data', (chunk: Buffer) => {
      size += chunk.length
      // As the original: a body that hid its length ends the connection.
      if (size > bytesMax) message.destroy()
      else chunks.push(chunk)
    })
    message.once('end', () => {
      isWhole = true
      if (size > bytesMax) reject(new Fault('app.too_large', 413, TOO_LARGE_TEXT))
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
    })
    message.once('error', broken)
    message.once('close', broken)
    if (message.destroyed) broken()
  })
}

function methodOf(message: IncomingMessage): string {
  const method = (message.method ?? 'GET').toUpperCase()
  if (method === 'HEAD') return 'GET'
  const override = message.headers['x-http-method-override']
  return method === 'POST' && typeof override === 'string' && override !== '' ? override.toUpperCase() : method
}

function originForm(url: string): string {
  return url.replace(/^https?:\/\/[^/?]*/i, '') || '/'
}
