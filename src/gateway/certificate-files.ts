// The gateway's own certificate, from two files that others replace: read again when they change, kept when they break.
import { X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { Fault, messageOf } from '../kit/fault.ts'
import { type CertificatePair, contextOf } from './shown-certificates.ts'

export type CertificatePlaces = { cert: string; key: string }

/** A pair that can be shown. `problem`: it has ended. */
type Found = { pair: CertificatePair; until: string; problem: string | null }

/** What is in use: until when it is good, and what is wrong with the files as they lie there now. */
export type CertificateFileState = { until: string; problem: string | null }

export class CertificateFiles {
  readonly #places: CertificatePlaces
  #pair: CertificatePair
  #until: string
  #seen: string
  /** Of the pair in use: it has ended. */
  #ended: string | null
  /** Of the files as they lie there. */
  #problem: string | null

  private constructor(places: CertificatePlaces, first: Found & { seen: string }) {
    this.#places = places
    this.#pair = first.pair
    this.#until = first.until
    this.#seen = first.seen
    // Apps that come by plain HTTP need no certificate: one that has ended is no reason not to start.
    this.#ended = first.problem
    this.#problem = first.problem
  }

  /** Reads them. Faults with `options.bad_file`. */
  static async open(places: CertificatePlaces): Promise<CertificateFiles> {
    try {
      const seen = await stampsOf(places)
      return new CertificateFiles(places, { ...(await read(places)), seen })
    } catch (error) {
      throw new Fault('options.bad_file', 400, `the certificate cannot be used: ${messageOf(error)}`, {
        hint: 'Give a certificate and its private key in PEM: --tls-cert FILE --tls-key FILE',
        cause: error,
      })
    }
  }

  get pair(): CertificatePair {
    return this.#pair
  }

  get state(): CertificateFileState {
    return { until: this.#until, problem: this.#problem }
  }

  /**
   * Looks whether they have changed. `taken`: there is another pair. `broken`: something new is wrong with them, and the
   * pair of before is in use: of two files one is always written first.
   */
  async look(): Promise<'same' | 'taken' | 'broken'> {
    try {
      const seen = await stampsOf(this.#places)
      if (seen === this.#seen) {
        // What was broken is as it was.
        this.#problem = this.#ended
        return 'same'
      }
      const found = await read(this.#places)
      if (found.problem !== null) throw new Error(found.problem)
      this.#pair = found.pair
      this.#until = found.until
      this.#seen = seen
      this.#ended = null
      this.#problem = null
      return 'taken'
    } catch (error) {
      const problem = messageOf(error)
      if (problem === this.#problem) return 'same'
      this.#problem = problem
      return 'broken'
    }
  }
}

async function read({ cert, key }: CertificatePlaces): Promise<Found> {
  const pair = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
  contextOf(pair)
  const end = new X509Certificate(pair.cert).validToDate
  const until = end.toISOString()
  return { pair, until, problem: end <= new Date() ? `it ended on ${until}` : null }
}

// A file that was renamed into place has another inode, a link that was turned as well.
async function stampsOf({ cert, key }: CertificatePlaces): Promise<string> {
  const stamps = await Promise.all([cert, key].map(async (path) => await stat(path)))
  return stamps.map(({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`).join(', ')
}
