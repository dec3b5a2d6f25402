// An external server that this host looks after: makes the services' schemas in it, and tells how it stands. Where it
// runs, and who takes over when a host of it dies, is its owner's business.
import type pg from 'pg'
import type { SchemaAssignment } from '../contract/assignment.ts'
import type { ExternalAssignment, TokenAnswer } from '../contract/external-server.ts'
import type { ServerFacts, ServerState } from '../contract/facts.ts'
import { ensurePlatformObjects } from '../databases/app-schema.ts'
import {
  type ExternalPosition,
  inTurn,
  raiseStampsOnce,
  readPosition,
  type Turn,
  writeMark,
} from '../databases/external-platform.ts'
import { pause } from '../kit/clock.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import {
  EXTERNAL_ANSWER_MS_MAX,
  EXTERNAL_SILENT_S,
  POSITION_MS_MAX,
  SERVER_TICK_MS,
  SETUP_MS_MAX,
} from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { AppsDatabase, IN_TIME } from './apps-database.ts'
import type { ExternalLink } from './external-link.ts'
import { ServerSchemas } from './server-schemas.ts'

export type ExternalServerDeps = { link: ExternalLink; log: Log; onChange: () => void }

// It holds the lock by which those who look after the server take turns. When its machine dies nobody says goodbye.
const ENDED_WHEN_SILENT = [
  `-c idle_session_timeout=${EXTERNAL_SILENT_S}s`,
  `-c tcp_keepalives_idle=${EXTERNAL_SILENT_S / 2}`,
  `-c tcp_keepalives_interval=1`,
  `-c tcp_keepalives_count=${EXTERNAL_SILENT_S / 2}`,
  `-c tcp_user_timeout=${EXTERNAL_SILENT_S}s`,
].join(' ')

type Wanted = ExternalAssignment & { duty: NonNullable<ExternalAssignment['duty']> }

export class ExternalServer {
  readonly name: string
  readonly apps: AppsDatabase
  readonly #deps: ExternalServerDeps
  readonly #schemas: ServerSchemas
  readonly #aborter = new AbortController()
  #wanted: Wanted
  #wantedVersion: number
  #version = 0
  #state: ServerState = 'starting'
  #problem: { message: string; code: string | null } | null = null
  /** Where everything was last looked at. */
  #preparedAt: string | null = null
  #position: ExternalPosition | null = null
  #wake: (() => void) | null = null
  #reading: Promise<void> | null = null
  #running: Promise<void> | null = null

  constructor(wanted: Wanted, version: number, deps: ExternalServerDeps) {
    this.name = wanted.name
    this.#wanted = wanted
    this.#wantedVersion = version
    this.#deps = deps
    this.#schemas = new ServerSchemas(deps.log)
    this.apps = new AppsDatabase({
      withClient: async (work, options) => await this.#withClient(work, options),
      requireOpen: () => this.#requireOpen(),
    })
  }

  /** Starts the loop. */
  start(): void {
    this.#running = this.#loop()
  }

  /** Takes what control wants now. */
  assign(wanted: Wanted, version: number): void {
    this.#wanted = wanted
    this.#wantedVersion = version
    this.#wake?.()
  }

  /** Another host of it takes writes, or none does. */
  wake(): void {
    this.#wake?.()
  }

  /** Ends the loop. What is in the database stays as it is. */
  async stop(): Promise<void> {
    this.#aborter.abort()
    this.#wake?.()
    await this.#running
  }

  /** Writes a new word into our mark, by which a second name for the same database is found out. */
  async writeToken(): Promise<TokenAnswer> {
    const { name } = this
    const { cloud } = this.#wanted.duty
    return await this.apps.use(async (client) => {
      const turn = { cloud, server: name, version: this.#version }
      return { token: (await inTurn(client, turn, async () => await writeMark(client, turn))).token }
    })
  }

  /** What is known now; a server that hangs is told with its last position. */
  async facts(): Promise<ServerFacts> {
    const { link } = this.#deps
    const isOpen = this.#state === 'running'
    if (isOpen) await this.#readInTime()
    const position = isOpen ? this.#position : null
    return {
      name: this.name,
      version: this.#version,
      epoch: this.#wanted.epoch,
      role: 'primary',
      state: this.#state,
      problem: this.#problem?.message ?? null,
      problemCode: this.#problem?.code ?? null,
      lsn: position?.lsn ?? null,
      timeline: position?.timeline ?? null,
      forkLsn: null,
      lease: { kind: 'free', term: 0, ageMs: null },
      standby: nearest(position),
      lastContactMs: null,
      dataBytes: position?.dataBytes ?? null,
      quarantine: null,
      external: {
        at: link.at,
        version: position?.version ?? null,
        isEncrypted: link.endpoint.tls !== 'disable',
        hosts: link.hosts,
        standbys: position?.standbys ?? null,
      },
      schemas: this.#schemas.facts(),
    }
  }

  async #loop(): Promise<void> {
    while (!this.#aborter.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      const before = this.#summary()
      const state = this.#state
      try {
        await this.#reconcile(this.#wanted, this.#wantedVersion)
      } catch (error) {
        this.#state = 'failed'
        this.#problem = { message: messageOf(error), code: error instanceof Fault ? error.code : null }
      }
      if (state !== this.#state) {
        this.#deps.log.info({ server: this.name, state: this.#state, problem: this.#problem?.message }, 'server state')
      }
      if (before !== this.#summary()) this.#deps.onChange()
      await Promise.race([woken, pause(SERVER_TICK_MS, this.#aborter.signal)])
    }
  }

  #summary(): string {
    return `${this.#state} ${this.#problem?.message} ${this.#version}`
  }

  async #reconcile(wanted: Wanted, version: number): Promise<void> {
    const { primary, hosts } = this.#deps.link
    if (primary === null) {
      this.#state = 'waiting'
      const found = hosts.map(({ place, state, problem }) => `${place} is ${problem ?? state.replace('_', '-')}`)
      this.#problem = { message: `no host of ${this.name} takes writes: ${found.join('; ')}`, code: null }
      return
    }
    const { cloud, schemas } = wanted.duty
    if (this.#preparedAt !== primary) this.#schemas.forgetPlatform()
    if (!this.#schemas.isPrepared(schemas)) await this.#prepare({ cloud, server: this.name, version }, schemas)
    this.#preparedAt = primary
    this.#state = 'running'
    this.#problem = null
    this.#version = version
  }

  async #prepare(turn: Turn, schemas: SchemaAssignment[]): Promise<void> {
    const options = { options: `${IN_TIME} ${ENDED_WHEN_SILENT}`, query_timeout: 2 * SETUP_MS_MAX }
    await this.#withClient(async (client) => {
      await inTurn(client, turn, async () => {
        faultPoint('host.external.in_turn')
        await this.#schemas.prepare(schemas, {
          withApps: async (work) => await work(client),
          ensurePlatform: async () => {
            await ensurePlatformObjects(client)
            await raiseStampsOnce(client)
          },
        })
      })
    }, options)
  }

  async #withClient<T>(work: (client: pg.Client) => Promise<T>, options: pg.ClientConfig): Promise<T> {
    const client = await this.#deps.link.connect(options)
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  #requireOpen(): void {
    if (this.#state === 'running') return
    throw new Fault('server.not_open', 503, `${this.name} is not open for changes now: ${this.#problem?.message}`, {
      hint: `See how it stands: mainstay sql server show ${this.name}`,
    })
  }

  async #readInTime(): Promise<void> {
    this.#reading ??= this.#withClient(readPosition, { query_timeout: EXTERNAL_ANSWER_MS_MAX })
      .then(
        (position) => {
          this.#position = position
        },
        // The state beside these facts tells more.
        () => {},
      )
      .finally(() => {
        this.#reading = null
      })
    await Promise.race([this.#reading, pause(POSITION_MS_MAX)])
  }
}

// The one that would lose least, as far as its owner's replication shows.
function nearest(position: ExternalPosition | null): ServerFacts['standby'] {
  const [best] = [...(position?.standbys ?? [])].sort((left, right) => left.lagBytes - right.lagBytes)
  return best ? { isStreaming: true, flushLsn: null, lagBytes: best.lagBytes, lagMs: best.lagMs ?? 0 } : null
}
