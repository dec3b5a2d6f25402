// Bodies that a form sends: its fields as an object, its files as bytes. Names may come twice, and mean a list then.
import { Busboy } from '@fastify/busboy'
import { FORM_HEADER_BYTES_MAX, FORM_PARTS_MAX } from '../kit/limits.ts'
import { badRequest } from './app-faults.ts'

/** A file of a form; `field`: the name that the form gives it, `name`: its own. */
export type FormFile = { field: string; name: string; type: string; bytes: Buffer }
export type Form = { fields: Record<string, string | string[]>; files: FormFile[] }

const BROKEN = 'The multipart body is not whole, or its boundary is not the one that its type names.'

const ONLY_THE_END = /^\s*--[^\r\n]{1,72}--\s*$/

/** True for a body of parts. */
export function isMultipart(contentType: string | undefined): contentType is string {
  return /^\s*multipart\/form-data\s*(?:;|$)/i.test(contentType ?? '')
}

/** The fields of `a=1&b=2`. */
export function parseUrlEncoded(text: string): Form['fields'] {
  return fieldsOf(new URLSearchParams(text))
}

/** Takes a body of parts apart; it is held already, so what it holds is bounded. 400 where it is none, or not whole. */
export async function parseMultipart(contentType: string, body: Buffer): Promise<Form> {
  const fields: [string, string][] = []
  const files: FormFile[] = []
  await new Promise<void>((resolve, reject) => {
    const refuse = (message: string) => reject(badRequest(message))
    const parser = parserOf(contentType, body.length)
    parser.on('field', (name, value, _isNameCut, isCut) => {
      if (isCut) refuse(`The field '${name}' is too long.`)
      fields.push([name, value])
    })
    parser.on('file', (field, stream, name, _encoding, type) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => files.push({ field, name: name ?? '', type, bytes: Buffer.concat(chunks) }))
      stream.on('error', () => refuse(BROKEN))
    })
    parser.on('partsLimit', () => refuse(`A form has at most ${FORM_PARTS_MAX} parts.`))
    parser.on('error', () => refuse(BROKEN))
    parser.on('finish', resolve)
    parser.end(body)
  })
  // Of another boundary there is no part, and nothing that the parser would call wrong.
  if (fields.length + files.length === 0 && !ONLY_THE_END.test(body.toString('latin1'))) throw badRequest(BROKEN)
  return { fields: fieldsOf(fields), files }
}

// Without a boundary it says so at once.
function parserOf(contentType: string, bytes: number) {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      limits: { fieldNameSize: FORM_HEADER_BYTES_MAX, fieldSize: bytes, parts: FORM_PARTS_MAX, headerPairs: 20 },
    })
  } catch {
    throw badRequest(BROKEN)
  }
}

// As an own property whatever its name is.
function fieldsOf(pairs: Iterable<[string, string]>): Form['fields'] {
  const found = new Map<string, string | string[]>()
  for (const [name, value] of pairs) {
    const known = found.get(name)
    found.set(name, known === undefined ? value : [known, value].flat())
  }
  return Object.fromEntries(found)
}
