// What the objects of a server's backups are called in a vault. Names sort as what they hold: by time, by position.
import { formatLsn } from '../databases/replication.ts'

/** A piece of WAL in the vault, known from its name alone. `to` is when the primary sent the last of it. */
export type WalPiece = { key: string; timeline: number; start: bigint; end: bigint; to: Date }

const WAL = /^wal\/([0-9a-f]{8})\/([0-9a-f]{16})-([0-9a-f]{16})-(\d{8}T\d{9}Z)$/
const BASE = /^base\/(\d{8}T\d{6}Z-[0-9a-f]{4})\/(manifest|part-\d{5,})$/
const HISTORY = /^wal\/history\/([0-9a-f]{8})$/

/** What one name in a server's folder says. `strange` is nothing of ours. */
export type NamedObject =
  | { kind: 'wal'; key: string; piece: WalPiece }
  | { kind: 'manifest' | 'part'; key: string; backup: string }
  | { kind: 'history'; key: string; timeline: number }
  | { kind: 'seen'; key: string }
  | { kind: 'strange'; key: string }

/** The folder of a server: everything of it begins with this. */
export function folderOf(server: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(server)) throw new TypeError(`no name for a folder: ${server}`)
  return `servers/${server}/`
}

/** Reads a name; `key` is in the server's folder. */
export function readName(server: string, key: string): NamedObject {
  const name = key.slice(folderOf(server).length)
  const [, timeline, start, end, to] = WAL.exec(name) ?? []
  if (timeline && start && end && to) {
    const piece = { key, timeline: Number.parseInt(timeline, 16), start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) }
    return { kind: 'wal', key, piece: { ...piece, to: readTime(to) } }
  }
  const [, backup, part] = BASE.exec(name) ?? []
  if (backup && part) return { kind: part === 'manifest' ? 'manifest' : 'part', key, backup }
  const [, child] = HISTORY.exec(name) ?? []
  if (child) return { kind: 'history', key, timeline: Number.parseInt(child, 16) }
  return name === 'wal/seen' ? { kind: 'seen', key } : { kind: 'strange', key }
}

/** Names a piece of WAL. */
export function nameWal(server: string, piece: Omit<WalPiece, 'key'>): WalPiece {
  const place = `${hex(piece.start, 16)}-${hex(piece.end, 16)}-${writeTime(piece.to)}`
  return { ...piece, key: `${walFolderOf(server, piece.timeline)}${place}` }
}

/** The folder of one timeline's WAL. */
export function walFolderOf(server: string, timeline: number): string {
  return `${folderOf(server)}wal/${hex(timeline, 8)}/`
}

export function historyKey(server: string, timeline: number): string {
  return `${folderOf(server)}wal/history/${hex(timeline, 8)}`
}

/** How far the vault was known to hold everything, and when. */
export function seenKey(server: string): string {
  return `${folderOf(server)}wal/seen`
}

export function baseFolderOf(server: string): string {
  return `${folderOf(server)}base/`
}

export function manifestKey(server: string, backup: string): string {
  return `${baseFolderOf(server)}${backup}/manifest`
}

/** `number` counts from 1. */
export function partKey(server: string, backup: string, number: number): string {
  return `${baseFolderOf(server)}${backup}/part-${String(number).padStart(5, '0')}`
}

/** A backup's id: when it began, to the second, and a few random digits. */
export function makeBackupId(at: Date, random: string): string {
  return `${writeTime(at).slice(0, 15)}Z-${random}`
}

/** When the backup of this id began. */
export function timeOfBackup(id: string): Date {
  return readTime(`${id.slice(0, 15)}000Z`)
}

/** A piece of WAL for people: `timeline 1 from 0/3000000 to 0/3000A28`. */
export function describeWal(piece: { timeline: number; start: bigint; end: bigint }): string {
  return `timeline ${piece.timeline} from ${formatLsn(piece.start)} to ${formatLsn(piece.end)}`
}

function hex(value: bigint | number, width: number): string {
  return value.toString(16).padStart(width, '0')
}

// 20261125T120000123Z
function writeTime(at: Date): string {
  return at.toISOString().replace(/[-:.]/g, '')
}

function readTime(text: string): Date {
  const [, year, month, day, hour, minute, second, ms] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/.exec(text) ?? []
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`)
}
