// A thread of its own for the files of a backup: opened and written in the host itself they would fill its memory so
// fast that a third of the time went into sweeping it, and leases and requests would wait meanwhile.
import { type MessagePort, Worker } from 'node:worker_threads'
import { sourceUrl } from '../kit/sources.ts'
import type { BaseManifest } from './base-manifest.ts'
import { errorAgain, type ToldError, tellError } from './object-problems.ts'
import { restoreFiles } from './restore-data.ts'
import { openObject } from './sealed-object.ts'
import type { ServerVault } from './server-vault.ts'

type Order = { manifest: BaseManifest; dataFolder: string; key: Uint8Array }

/** What the thread says: what it needs, how far it is, and how it ended. */
type FromThread =
  | { kind: 'wants'; name: string }
  | { kind: 'bytes'; bytes: number }
  | { kind: 'ended'; error: ToldError | null }

/** What it is told. */
type ToThread =
  | { kind: 'sealed'; name: string; sealed: Uint8Array }
  | { kind: 'refused'; name: string; error: ToldError }
  | { kind: 'stop' }

/** As `restoreFiles`. What the vault holds is read here; whatever more there is to do is done in the thread. */
export async function restoreFilesApart(
  manifest: BaseManifest,
  dataFolder: string,
  options: { vault: ServerVault; onBytes: (bytes: number) => void; signal: AbortSignal },
): Promise<void> {
  const { vault, onBytes, signal } = options
  signal.throwIfAborted()
  const order: Order = { manifest, dataFolder, key: vault.key }
  const launcher = new URL('../../bin/thread.mjs', import.meta.url)
  const worker = new Worker(launcher, { workerData: { module: sourceUrl('backups/files-thread.ts').href, ...order } })
  const tell = (word: ToThread, handedOver: ArrayBuffer[] = []) => worker.postMessage(word, handedOver)
  const give = async (name: string) => {
    try {
      const sealed = await vault.getSealed(name)
      // Handed over where it is a piece of memory of its own, else copied.
      const { buffer, byteLength } = sealed
      const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
      tell({ kind: 'sealed', name, sealed }, isOwn ? [buffer] : [])
    } catch (error) {
      tell({ kind: 'refused', name, error: tellError(error) })
    }
  }
  // It ends by itself, when nothing is written any more.
  const stop = () => tell({ kind: 'stop' })
  signal.addEventListener('abort', stop, { once: true })
  try {
    const error = await new Promise<ToldError | null>((resolve, reject) => {
      worker.on('message', (word: FromThread) => {
        if (word.kind === 'wants') void give(word.name)
        if (word.kind === 'bytes') onBytes(word.bytes)
        if (word.kind === 'ended') resolve(word.error)
      })
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('the thread ended without a word')))
    })
    if (error !== null) throw errorAgain(error)
  } finally {
    signal.removeEventListener('abort', stop)
    await worker.terminate()
  }
}

/** What the thread runs. */
export async function runThread(port: MessagePort, { manifest, dataFolder, key }: Order): Promise<void> {
  const aborter = new AbortController()
  const waiting = new Map<string, { resolve: (sealed: Uint8Array) => void; reject: (error: unknown) => void }>()
  const tell = (word: FromThread) => port.postMessage(word)
  port.on('message', (word: ToThread) => {
    if (word.kind === 'stop') return aborter.abort()
    if (word.kind === 'sealed') waiting.get(word.name)?.resolve(word.sealed)
    if (word.kind === 'refused') waiting.get(word.name)?.reject(errorAgain(word.error))
    waiting.delete(word.name)
  })
  const getSealed = async (name: string) =>
    await new Promise<Uint8Array>((resolve, reject) => {
      waiting.set(name, { resolve, reject })
      tell({ kind: 'wants', name })
    })
  const get: ServerVault['get'] = async (name, options) => await openObject(key, name, await getSealed(name), options)
  const onBytes = (bytes: number) => tell({ kind: 'bytes', bytes })
  try {
    await restoreFiles(manifest, dataFolder, { vault: { get }, onBytes, signal: aborter.signal })
    tell({ kind: 'ended', error: null })
  } catch (error) {
    tell({ kind: 'ended', error: tellError(error) })
  } finally {
    port.close()
  }
}
