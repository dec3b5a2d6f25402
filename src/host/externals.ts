// The external servers that this host reaches: a link to each, and for those that it looks after what there is to do.
import type { ExternalAssignment } from '../contract/external-server.ts'
import type { ServerFacts } from '../contract/facts.ts'
import type { LeaseUntil } from '../contract/runtime-channel.ts'
import type { Log } from '../kit/log.ts'
import { ExternalLink } from './external-link.ts'
import { ExternalServer } from './external-server.ts'

type Reached = { link: ExternalLink; endpoint: string; server: ExternalServer | null }

export type ExternalsOptions = { socketFolder: string; log: Log; onChange: () => void }

export class Externals {
  readonly #options: ExternalsOptions
  readonly #reached = new Map<string, Reached>()
  #isCut = false

  constructor(options: ExternalsOptions) {
    this.#options = options
  }

  /** Takes the complete list. */
  async assign(wanted: ExternalAssignment[], version: number): Promise<void> {
    for (const [name, reached] of this.#reached) {
      const still = wanted.find((one) => one.name === name)
      // Another URL, another password: whoever is connected by the old one is to come anew.
      if (still && JSON.stringify(still.endpoint) === reached.endpoint) continue
      this.#reached.delete(name)
      await end(reached)
    }
    for (const one of wanted) await this.#assignOne(one, version)
  }

  /** The folder whose PostgreSQL socket leads to a server, or null. */
  socketFolder(name: string): string | null {
    return this.#reached.get(name)?.link.folder ?? null
  }

  /** The server, if this host looks after it. */
  find(name: string): ExternalServer | null {
    return this.#reached.get(name)?.server ?? null
  }

  /** What is known of those that this host looks after. */
  async facts(): Promise<ServerFacts[]> {
    const servers = [...this.#reached.values()].map(({ server }) => server).filter((server) => server !== null)
    return await Promise.all(servers.map(async (server) => await server.facts()))
  }

  /** None: who may write is decided by the server itself, and by the logins that are open there. */
  leases(): LeaseUntil[] {
    return [...this.#reached.keys()].map((server) => ({ server, untilBootMs: null }))
  }

  /** An outage of the local cloud: nothing outside is reached. */
  setCut(isCut: boolean): void {
    this.#isCut = isCut
    for (const { link } of this.#reached.values()) link.setCut(isCut)
  }

  async stop(): Promise<void> {
    const all = [...this.#reached.values()]
    this.#reached.clear()
    await Promise.all(all.map(end))
  }

  async #assignOne(wanted: ExternalAssignment, version: number): Promise<void> {
    const reached = this.#reached.get(wanted.name) ?? (await this.#open(wanted))
    const { duty } = wanted
    if (duty === null) {
      await reached.server?.stop()
      reached.server = null
    } else if (reached.server) {
      reached.server.assign({ ...wanted, duty }, version)
    } else {
      const { log, onChange } = this.#options
      reached.server = new ExternalServer({ ...wanted, duty }, version, { link: reached.link, log, onChange })
      reached.server.start()
    }
  }

  async #open({ name, endpoint }: ExternalAssignment): Promise<Reached> {
    const { socketFolder, log } = this.#options
    const onChange = () => this.find(name)?.wake()
    const link = new ExternalLink({ server: name, socketFolder, endpoint, log, onChange })
    link.setCut(this.#isCut)
    await link.open()
    const reached: Reached = { link, endpoint: JSON.stringify(endpoint), server: null }
    this.#reached.set(name, reached)
    return reached
  }
}

async function end({ link, server }: Reached): Promise<void> {
  await server?.stop()
  await link.close()
}
