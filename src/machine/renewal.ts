// A machine's certificate is renewed over its door, under a fresh key, well before it ends.
import type { MachineIdentity, RenewAnswer } from '../contract/join.ts'
import { keepRenewed, lifeOf } from '../kit/certificate-life.ts'
import type { Door } from '../kit/door.ts'
import { CERTIFICATE_CALL_MS_MAX } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import type { ControlLink } from './control-link.ts'
import { makeKey, writeIdentity } from './join.ts'

/** The certificate that a machine shows at the moment, and its renewal until aborted. */
export class Certificate {
  #identity: MachineIdentity
  #until: string

  constructor(identity: MachineIdentity) {
    this.#identity = identity
    this.#until = untilOf(identity)
  }

  /** When it ends, ISO 8601. */
  get until(): string {
    return this.#until
  }

  async keep(options: {
    home: string
    door: Door
    control: ControlLink
    log: Log
    signal: AbortSignal
  }): Promise<void> {
    const { home, door, control, log, signal } = options
    await keepRenewed({
      certificate: () => this.#identity.certificate,
      renew: async () => {
        const { key, publicKey } = makeKey()
        const call = { method: 'POST' as const, path: '/machine/renew', body: { publicKey } }
        const answer = (await control.call({ ...call, timeoutMs: CERTIFICATE_CALL_MS_MAX })) as RenewAnswer
        const identity = { ...this.#identity, key, certificate: answer.certificate }
        // On disk before it is shown: a crash in between leaves one of two good certificates.
        await writeIdentity(home, identity)
        this.#identity = identity
        this.#until = untilOf(identity)
        door.useCredentials(identity)
        log.info({ until: this.until }, 'the certificate was renewed')
      },
      onOver: () => log.error(`the certificate has ended; join again: ${joinAgain(this.#identity.name)}`),
      onError: (error) => log.warn({ err: error, until: this.until }, 'the certificate is due and was not renewed'),
      signal,
    })
  }
}

// Told with each heartbeat, and not read out of the certificate each time.
function untilOf({ certificate }: MachineIdentity): string {
  return new Date(lifeOf(certificate).untilMs).toISOString()
}

function joinAgain(name: string): string {
  return `mainstay join-token create --machine ${name}`
}
