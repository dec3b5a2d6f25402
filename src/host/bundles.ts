// Divergence bundles on this host's disk: made of what is quarantined here, or copied from another host in pieces.
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundlePiece, BundleSummary } from '../contract/divergence.ts'
import type { Bundle } from '../databases/divergence/bundle-reader.ts'
import { openBundle } from '../databases/divergence/bundle-reader.ts'
import { Fault } from '../kit/fault.ts'
import { isNotFound, syncFolder } from '../kit/files.ts'
import { BUNDLE_PIECE_BYTES } from '../kit/limits.ts'

export type BundleName = { server: string; epoch: number }

const FILE_NAME = /^(.+)-e(\d+)\.bundle$/

export class Bundles {
  readonly #folder: string
  #known: BundleName[] = []

  /** `folder` is made when the first bundle comes. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Those that lie here, as of the last change or `load`. */
  get names(): BundleName[] {
    return this.#known
  }

  /** Looks what there is. */
  async load(): Promise<void> {
    const files = await readdir(this.#folder).catch((error) => {
      if (isNotFound(error)) return []
      throw error
    })
    this.#known = files.flatMap((file) => {
      const [, server, epoch] = FILE_NAME.exec(file) ?? []
      return server && epoch ? [{ server, epoch: Number(epoch) }] : []
    })
  }

  has(name: BundleName): boolean {
    return this.#known.some(({ server, epoch }) => server === name.server && epoch === name.epoch)
  }

  /** Where a bundle lies, or is to be written. */
  async pathFor(name: BundleName): Promise<string> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    return this.#pathOf(name)
  }

  /** Opens and verifies one. Faults with `divergence.unknown`, or `divergence.damaged`. */
  async open(name: BundleName): Promise<Bundle> {
    this.#require(name)
    return await openBundle(this.#pathOf(name))
  }

  /** A piece of the file from `offset`. Faults with `divergence.unknown`. */
  async read(name: BundleName, offset: number): Promise<BundlePiece> {
    this.#require(name)
    const file = await open(this.#pathOf(name), 'r')
    try {
      const { size } = await file.stat()
      const { buffer, bytesRead } = await file.read(Buffer.alloc(BUNDLE_PIECE_BYTES), 0, BUNDLE_PIECE_BYTES, offset)
      return { offset, bytes: buffer.toString('base64', 0, bytesRead), size }
    } finally {
      await file.close()
    }
  }

  /** Takes the next piece. The last one makes it a bundle, once it is verified. Returns where the next one begins. */
  async write(name: BundleName, piece: BundlePiece): Promise<{ next: number; isWhole: boolean }> {
    if (this.has(name)) return { next: piece.size, isWhole: true }
    const path = await this.pathFor(name)
    const part = `${path}.part`
    const there = await stat(part).then(
      ({ size }) => size,
      () => 0,
    )
    // A copy that was broken off goes on where it was; one that does not fit begins anew.
    if (piece.offset !== there && piece.offset !== 0) return { next: there, isWhole: false }
    const file = await open(part, piece.offset === 0 ? 'w' : 'a', 0o600)
    try {
      await file.writeFile(Buffer.from(piece.bytes, 'base64'))
      await file.sync()
    } finally {
      await file.close()
    }
    const next = (await stat(part)).size
    if (next < piece.size) return { next, isWhole: false }
    try {
      await openBundle(part)
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
    await rename(part, path)
    await syncFolder(this.#folder)
    await this.load()
    return { next, isWhole: true }
  }

  #pathOf({ server, epoch }: BundleName): string {
    return join(this.#folder, `${server}-e${epoch}.bundle`)
  }

  #require(name: BundleName): void {
    if (this.has(name)) return
    throw new Fault(
      'divergence.unknown',
      404,
      `no stranded writes of ${name.server} under epoch ${name.epoch} lie here`,
    )
  }
}

/** What a bundle says of itself. */
export function summaryOf({ header, counts }: Bundle): BundleSummary {
  const { server, epoch, forkLsn, endLsn, decodedAt } = header
  return { server, epoch, forkLsn, endLsn, decodedAt, ...counts }
}
