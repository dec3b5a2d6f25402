// The part of a vault that holds one server's backups, with the key that they are sealed with.
import type { Vault } from '../kit/vault.ts'
import { folderOf, type NamedObject, readName } from './object-names.ts'
import { missing } from './object-problems.ts'
import { type ObjectFacts, type OpenedObject, openObject, sealObject } from './sealed-object.ts'

export type ServerVault = {
  server: string
  /** The vault's, as a person knows it. */
  name: string
  /** Seals and writes a whole object; gives how many bytes it takes in the vault, and the SHA-256 of its content. */
  put: (facts: Omit<ObjectFacts, 'server'>, content: Uint8Array) => Promise<{ storedBytes: number; sha256: string }>
  /** Faults with `vault.missing`, `vault.damaged` or `vault.wrong_key`, naming the object. Options: as of `openObject`. */
  get: (key: string, options?: { isHashed?: boolean }) => Promise<OpenedObject>
  /** The object as it lies there, for somebody else to open with `key`. Faults with `vault.missing`. */
  getSealed: (key: string) => Promise<Uint8Array>
  /** What its objects are sealed with. */
  key: Uint8Array
  /** Everything of this server whose key begins with `prefix`, in order; all of it by default. */
  list: (prefix?: string) => Promise<NamedObject[]>
  remove: (key: string) => Promise<void>
  /** Removes what writes left that were cut short before `before`. */
  sweep: (before: Date) => Promise<void>
}

/** `key` has 32 bytes and is kept elsewhere: whoever has the vault alone can read nothing. */
export function openServerVault(vault: Vault, options: { server: string; key: Uint8Array }): ServerVault {
  const { server, key } = options
  if (key.length !== 32) throw new TypeError('a key of backups has 32 bytes')
  const getSealed = async (name: string) => {
    const sealed = await vault.get(name)
    if (sealed === null) throw missing(name)
    return sealed
  }
  return {
    server,
    name: vault.name,
    key,
    getSealed,
    async put(facts, content) {
      const { sealed, sha256 } = await sealObject(key, { ...facts, server }, content)
      await vault.put(facts.key, sealed)
      return { storedBytes: sealed.length, sha256 }
    },
    async get(name, options = {}) {
      return await openObject(key, name, await getSealed(name), options)
    },
    async list(prefix = folderOf(server)) {
      return (await vault.list(prefix)).map((found) => readName(server, found))
    },
    remove: async (name) => await vault.remove(name),
    sweep: async (before) => await vault.sweep(folderOf(server), before),
  }
}
