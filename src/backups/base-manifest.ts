// The last object of a base backup, which makes it exist: what it is of, from when to when, and all its parts.
import { Fault } from '../kit/fault.ts'
import { manifestKey, type NamedObject } from './object-names.ts'
import { damaged, problemOf } from './object-problems.ts'
import type { OpenedObject } from './sealed-object.ts'
import type { ServerVault } from './server-vault.ts'

export type BackupPart = { key: string; bytes: number; sha256: string; storedBytes: number }

export type BaseManifest = {
  id: string
  server: string
  /** Of the server when the backup was taken. */
  epoch: number
  /** PostgreSQL's system identifier; it does not fit a number. */
  system: string
  postgresVersion: string
  timeline: number
  /** WAL that the backup needs to be whole; the vault has it by its own way. Positions as PostgreSQL writes them. */
  startLsn: string
  endLsn: string
  startedAt: string
  /** The first moment that it can be restored to. */
  endedAt: string
  /** In order; together they are the archive that PostgreSQL sent. */
  parts: BackupPart[]
  plainBytes: number
  storedBytes: number
}

/** Writes it; from now on the backup exists. */
export async function putManifest(vault: ServerVault, manifest: BaseManifest): Promise<void> {
  const content = Buffer.from(JSON.stringify(manifest))
  const key = manifestKey(vault.server, manifest.id)
  await vault.put({ kind: 'manifest', key, system: manifest.system }, content)
}

/** Reads the manifest of a backup. Faults as `ServerVault.get` does. */
export async function getManifest(vault: ServerVault, id: string): Promise<BaseManifest> {
  const key = manifestKey(vault.server, id)
  const manifest = readManifest(key, await vault.get(key))
  if (manifest.id !== id) throw damaged(key, `it is the manifest of ${manifest.id}`)
  return manifest
}

/**
 * A vault holds the backups of one cluster under a server's name, since positions mean nothing in another's WAL.
 * `objects` is what the vault lists. Faults with `vault.other_system`.
 */
export async function requireSameSystem(vault: ServerVault, objects: NamedObject[], system: string): Promise<void> {
  const held = await findSystem(vault, objects)
  if (held === null || held === system) return
  throw new Fault('vault.other_system', 409, `${vault.name} holds backups of another ${vault.server}: system ${held}`, {
    hint: `This one is system ${system}. Give it a vault of its own, or move the old backups away.`,
  })
}

// By the newest object that can be read; null where there is none.
async function findSystem(vault: ServerVault, objects: NamedObject[]): Promise<string | null> {
  const manifests = objects.filter(({ kind }) => kind === 'manifest')
  const wal = objects.filter(({ kind }) => kind === 'wal')
  // Some may be damaged; if all of these are, the vault says nothing any more.
  for (const { key } of [...wal.slice(-2).reverse(), ...manifests.slice(-2).reverse()]) {
    try {
      return (await vault.get(key)).header.system
    } catch (error) {
      if (problemOf(error) === null) throw error
    }
  }
  return null
}

function readManifest(key: string, { content, header }: OpenedObject): BaseManifest {
  if (header.kind !== 'manifest') throw damaged(key, `it is a ${header.kind}`)
  return JSON.parse(content.toString('utf8')) as BaseManifest
}
