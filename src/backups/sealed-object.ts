// One object of a backup as it lies in a vault: a header line that says what it is, and its content, packed and sealed.
import { createHash, randomBytes, webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { Fault } from '../kit/fault.ts'
import { BACKUP_PART_BYTES, SEALED_HEADER_BYTES_MAX } from '../kit/limits.ts'
import { damaged } from './object-problems.ts'

const FORMAT = 'mainstay-backup/1'
const CIPHER = 'AES-GCM'
const IV_BYTES = 12
const TAG_BYTES = 16
const SUM_LENGTH = 16
// Node would make a thousand buffers of 16 kB for a part.
const PACK_CHUNK_BYTES = 1_048_576
// Packs as small as the usual 3 what databases hold, in half the time.
const PACKING = { chunkSize: PACK_CHUNK_BYTES, params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

export type ObjectKind = 'part' | 'manifest' | 'wal' | 'history' | 'seen'

/** What the maker of an object says of it. Positions are as PostgreSQL writes them (`0/3A21F60`). */
export type ObjectFacts = {
  kind: ObjectKind
  server: string
  /** The object's own name in the vault, so that one under another's name is noticed. */
  key: string
  /** PostgreSQL's system identifier: another cluster's WAL must never be taken for this one's. */
  system: string
  /** WAL only: what it holds, and when the primary sent the first and the last of it. */
  wal?: { timeline: number; start: string; end: string; from: string; to: string }
}

export type ObjectHeader = ObjectFacts & {
  format: string
  /** Of the plain content. */
  bytes: number
  sha256: string
  /** Tells keys apart without telling them. */
  fingerprint: string
  iv: string
}

export type OpenedObject = { header: ObjectHeader; content: Buffer }

/** Tells one key of 32 bytes from another; gives nothing of it away. */
export function fingerprintOf(key: Uint8Array): string {
  return createHash('sha256').update('mainstay-backup-key').update(key).digest('hex').slice(0, 16)
}

/** Packs and seals `content` under a key of 32 bytes. */
export async function sealObject(
  key: Uint8Array,
  facts: ObjectFacts,
  content: Uint8Array,
): Promise<{ sealed: Buffer; sha256: string }> {
  const iv = randomBytes(IV_BYTES)
  const header: ObjectHeader = {
    format: FORMAT,
    ...facts,
    bytes: content.length,
    sha256: await hashOf(content),
    fingerprint: fingerprintOf(key),
    iv: iv.toString('hex'),
  }
  const text = JSON.stringify(header)
  // The sum tells a damaged header from one that was sealed with another key.
  const line = Buffer.from(`${text} ${sumOf(text)}\n`)
  const packed = await compress(content, PACKING)
  const sealed = await webcrypto.subtle.encrypt(paramsOf(iv, line), await keyOf(key, 'encrypt'), packed)
  return { sealed: Buffer.concat([line, new Uint8Array(sealed)]), sha256: header.sha256 }
}

/**
 * Opens what the vault holds under `name`, and checks all that can be checked. `isHashed` false: not the sum of what was
 * unpacked; that what is unpacked is what was sealed, its tag says already.
 * Faults with `vault.wrong_key`, or with `vault.damaged` naming the object.
 */
export async function openObject(
  key: Uint8Array,
  name: string,
  bytes: Uint8Array,
  { isHashed = true } = {},
): Promise<OpenedObject> {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = whole.subarray(0, SEALED_HEADER_BYTES_MAX).indexOf('\n')
  if (end < 0) throw damaged(name, 'it does not begin with a header')
  const line = whole.subarray(0, end + 1)
  const header = readHeader(name, line.toString('utf8'))
  if (header.key !== name) throw damaged(name, `it is ${header.key}, under another name`)
  if (header.fingerprint !== fingerprintOf(key)) {
    throw new Fault('vault.wrong_key', 409, `${name} was sealed with the key ${header.fingerprint}, not with ours`, {
      hint: `Ours is ${fingerprintOf(key)}. Give the key that the backups were made with.`,
    })
  }
  const body = whole.subarray(end + 1)
  if (body.length < TAG_BYTES) throw damaged(name, 'it is cut short')
  const packed = await unseal(key, name, { line, body, iv: Buffer.from(header.iv, 'hex') })
  const content = await unpack(name, packed, header.bytes)
  const isWhole = content.length === header.bytes && (!isHashed || (await hashOf(content)) === header.sha256)
  if (!isWhole) throw damaged(name, 'its checksum is wrong')
  return { header, content }
}

function readHeader(name: string, line: string): ObjectHeader {
  const text = line.slice(0, -SUM_LENGTH - 2)
  if (line.slice(-SUM_LENGTH - 1, -1) !== sumOf(text)) throw damaged(name, 'its header is not as it was written')
  const header = JSON.parse(text) as ObjectHeader
  if (header.format !== FORMAT) {
    throw new Fault(
      'vault.newer_format',
      409,
      `${name} has the format ${header.format}; this version reads ${FORMAT}`,
      {
        hint: 'Use the version of Mainstay that wrote it, or a later one.',
      },
    )
  }
  return header
}

async function unseal(
  key: Uint8Array,
  name: string,
  sealed: { line: Buffer; body: Buffer; iv: Buffer },
): Promise<Buffer> {
  const { line, body, iv } = sealed
  try {
    const opener = await keyOf(key, 'decrypt')
    return Buffer.from(await webcrypto.subtle.decrypt(paramsOf(iv, line), opener, body))
  } catch (error) {
    throw damaged(name, 'its content is not as it was written', error)
  }
}

// The tag comes last, as WebCrypto has it.
function paramsOf(iv: Uint8Array, line: Uint8Array): webcrypto.AesGcmParams {
  return { name: CIPHER, iv, additionalData: line, tagLength: 8 * TAG_BYTES }
}

async function keyOf(key: Uint8Array, use: 'encrypt' | 'decrypt'): Promise<webcrypto.CryptoKey> {
  return await webcrypto.subtle.importKey('raw', key, CIPHER, false, [use])
}

async function unpack(name: string, packed: Buffer, bytes: number): Promise<Buffer> {
  try {
    // Zero is no limit that zlib takes.
    // In one piece: as many pieces would be copied together.
    const chunkSize = Math.min(Math.max(bytes, PACK_CHUNK_BYTES), BACKUP_PART_BYTES)
    return await decompress(packed, { maxOutputLength: Math.max(bytes, 1), chunkSize })
  } catch (error) {
    throw damaged(name, 'its content cannot be unpacked', error)
  }
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, SUM_LENGTH)
}

// WebCrypto works beside this thread: a part at once would hold up everything else in this process for 40 ms.
async function hashOf(content: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', content)).toString('hex')
}
