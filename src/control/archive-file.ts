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
  const lines = [JSON.stringify(archive.header)]
  for (const { name, columns, rows } of archive.tables) {
    lines.push(JSON.stringify({ table: name, columns, rows: rows.length }))
    for (const row of rows) lines.push(JSON.stringify(row))
  }
  const body = await compress(Buffer.from(`${lines.join('\n')}\n`, 'utf8'))
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
  const lines = (await decompress(body)).toString('utf8').split('\n')
  const header = JSON.parse(lines[0] ?? '') as ArchiveHeader
  const tables: ArchivedTable[] = []
  for (let at = 1; at < lines.length - 1; ) {
    const { table, columns, rows } = JSON.parse(lines[at] ?? '') as { table: string; columns: string[]; rows: number }
    const from = at + 1
    tables.push({ name: table, columns, rows: lines.slice(from, from + rows).map((line) => JSON.parse(line)) })
    at = from + rows
  }
  return { header, tables }
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
