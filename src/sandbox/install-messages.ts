// What control and the sandbox that installs npm modules say to each other.
import type { NpmPackage } from '../contract/npm-modules.ts'
import type { Sight } from './messages.ts'

export type InstallOrder = {
  /** Where npm is, and where it may work, as they are seen from inside. */
  npmFolder: string
  workFolder: string
  registry: string
  packageText: string
  lockText: string | null
  bytesMax: number
  filesMax: number
}

/** An answer of a registry. The body is base64. */
export type RegistryAnswer = { status: number; headers: [string, string][]; body: string }

export type ToInstaller = ({ kind: 'install' } & InstallOrder) | ({ kind: 'told'; ask: number } & RegistryAnswer)

export type FromInstaller =
  | { kind: 'ready'; sight: Sight }
  /** It wants to read that. */
  | { kind: 'ask'; ask: number; url: string; headers: Record<string, string> }
  /** A file below `node_modules`; content is base64. They come in the order of their paths. */
  | { kind: 'file'; path: string; content: string }
  | { kind: 'done'; packages: NpmPackage[]; lockText: string }
  /** `code` is npm's: E404, ETARGET; or `TOO_LARGE`. */
  | { kind: 'failed'; code: string; message: string }
