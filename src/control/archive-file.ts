// An archive of the control database as it lies in a vault: one line that vouches for the rest, then compressed rows.
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { Fault } from '../kit/fault.ts'
import type { Vault } from '../kit/vault.ts'

/** A table's rows; every value as PostgreSQL writes it as text, or null. */
export type ArchivedTable = { name: string; columns: string[]; rows: (string | null)[][] }

export type ArchiveHeader = {
  takenAt: string
  /** The migrations that the database had. */
  migrations: string[]
  /** Which key opens its secrets; says nothing about that key. */
  keyFingerprint: string
  version: string
  sequences: { name: string; lastValue: string; isCalled: boolean }[]
}

export type Archive = { header: ArchiveHeader; tables: ArchivedTable[] }

/** What a person chooses by: the id is part of its key in the vault. */
export type ArchiveName = { id: string; key: string; takenAt: Date }

const PREFIX = 'control/'
const MAGIC = 'mainstay-control-archive 1'
const NAME = /^control\/(\d{8}T\d{6}\d{3}Z-[0-9a-f]{8})\.archive$/
const compress = promisify(gzip)
const decompress = promisify(gunzip)

/** Writes an archive into bytes. */
export async function packArchive(archive: Archive): Promise<Buffer> {
  // Line by line: npm modules are in it, and all of it as one text could be longer than JavaScript has them.
  const lines = [lineOf(archive.header)]
  for (const { name, columns, rows } of archive.tables) {
    lines.push(lineOf({ table: name, columns, rows: rows.length }))
    for (const row of rows) lines.push(lineOf(row))
  }
  const body = await compress(Buffer.concat(lines))
  return Buffer.concat([Buffer.from(`${MAGIC} ${sumOf(body)} ${body.length}\n`), body])
}

/** Reads an archive back. Faults with `archive.damaged` when it is not whole. */
export async function unpackArchive(bytes: Uint8Array): Promise<Archive> {
  const content = Buffer.from(bytes)
  const end = content.indexOf('\n')
  const [magic, version, sum, length] = content.subarray(0, Math.max(end, 0)).toString('latin1').split(' ')
  const body = content.subarray(end + 1)
  if (`${magic} ${version}` !== MAGIC) throw damaged('it does not begin as an archive of a control database does')
  if (String(body.length) !== length) throw damaged(`it has ${body.length} bytes instead of ${length}`)
  if (sumOf(body) !== sum) throw damaged('its checksum is wrong')
  const lines = linesOf(await decompress(body))
  const header = lines.next().value as ArchiveHeader
  const tables: ArchivedTable[] = []
  for (const line of lines) {
    const { table, columns, rows: count } = line as { table: string; columns: string[]; rows: number }
    const rows: ArchivedTable['rows'] = []
    while (rows.length < count) rows.push(lines.next().value as (string | null)[])
    tables.push({ name: table, columns, rows })
  }
  return { header, tables }
}

function lineOf(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`, 'utf8')
}

function* linesOf(text: Buffer): Generator<unknown> {
  for (let from = 0; from < text.length; ) {
    const to = text.indexOf('\n', from)
    yield JSON.parse(text.toString('utf8', from, to))
    from = to + 1
  }
}

/** A key that sorts by time. */
export function keyOfArchive(takenAt: Date, random: string): string {
  return `${PREFIX}${takenAt.toISOString().replace(/[-:.]/g, '')}-${random}.archive`
}

/** The archives in a vault, newest first. */
export async function listArchives(vault: Vault): Promise<ArchiveName[]> {
  const keys = await vault.list(PREFIX)
  return keys
    .flatMap((key): ArchiveName[] => {
      const id = NAME.exec(key)?.[1]
      return id === undefined ? [] : [{ id, key, takenAt: timeOf(id) }]
    })
    .reverse()
}

// 20261124T103000123Z as an instant.
function timeOf(id: string): Date {
  const [, date = '', time = ''] = /^(\d{8})T(\d{9})/.exec(id) ?? []
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`
  return new Date(`${day}T${time.slice(0, 2)}:${time.slice(2, 4)}:${time.slice(4, 6)}.${time.slice(6)}Z`)
}

function sumOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function damaged(reason: string): Fault {
  return new Fault('archive.damaged', 500, `the archive is damaged: ${reason}`)
}
