// Asking hosts about the vault: which of them has it, and work there that takes longer than a call.

import type { HostFacts } from '../contract/facts.ts'
import type { JobAnswer } from '../contract/job.ts'
import { pause } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import { VAULT_READ_MS_MAX } from '../kit/limits.ts'
import { isOutOfPatience, type Patience } from '../operations/patience.ts'
import type { Field } from '../regions/field.ts'

/** What the calls need: the machines, their newest facts, and the key of the backups (base64). */
export type VaultDeps = {
  field: Pick<Field, 'order' | 'isReachable'>
  hosts: () => HostFacts[]
  backupKey: () => Promise<string>
}

const LOOK_AGAIN_MS = 100

/**
 * A host that can be reached and was given a vault: `preferred`, if it is one; of that region, or any. Faults with
 * `backup.no_vault`.
 */
export function findVaultHost(
  deps: Omit<VaultDeps, 'backupKey'>,
  region: string | null,
  preferred: string | null = null,
): string {
  const has = (facts: HostFacts) => typeof facts.vault === 'string' && deps.field.isReachable(facts.machine)
  const fitting = deps.hosts().filter((facts) => has(facts) && (region === null || facts.region === region))
  const found = fitting.find(({ machine }) => machine === preferred) ?? fitting[0]
  if (found) return found.machine
  const where = region === null ? '' : ` of ${region}`
  throw new Fault('backup.no_vault', 503, `no host${where} that can be reached was given a vault`, {
    hint: 'Give every host the same one: mainstay host --vault, or MAINSTAY_VAULT.',
  })
}

/** Asks a host about its vault and waits for the answer. Faults with what went wrong there. */
export async function askVault<T>(
  deps: VaultDeps,
  machine: string,
  question: { path: string; body: Record<string, unknown> },
): Promise<T> {
  const job = randomId()
  const body = { ...question.body, key: await deps.backupKey(), job }
  const deadline = performance.now() + VAULT_READ_MS_MAX
  for (;;) {
    const answer = await orderJob<T>(deps, machine, { path: question.path, body })
    if (answer.state === 'done') return answer.result
    if (answer.state === 'failed') throw faultOfJob(answer)
    if (performance.now() > deadline) throw new Fault('vault.slow', 504, `the vault at ${machine} takes very long`)
    await pause(LOOK_AGAIN_MS)
  }
}

/** Faults with `backup.no_vault` unless the machine of a database was given a vault. */
export function requireVaultAt(deps: Omit<VaultDeps, 'backupKey'>, machine: string): void {
  if (findVaultHost(deps, null, machine) === machine) return
  throw new Fault('backup.no_vault', 409, `${machine}, where the database is, was given no vault`, {
    hint: 'Start its host with --vault.',
  })
}

/** One question about work at a host; it is begun when it was not yet. */
export async function orderJob<T>(
  { field }: Pick<VaultDeps, 'field'>,
  machine: string,
  order: { path: string; body: Record<string, unknown> },
): Promise<JobAnswer<T>> {
  return (await field.order(machine, { method: 'POST', ...order })) as JobAnswer<T>
}

/**
 * The same for a step of an operation: a host that starts again is given time, and then begins the work anew. Null:
 * still under way. Faults with what ended the work, or with `door.unreachable` when the host is lost.
 */
export async function stepOfJob<T>(
  deps: Pick<VaultDeps, 'field'>,
  machine: string,
  order: { path: string; body: Record<string, unknown> },
  facts: Patience,
): Promise<T | null> {
  try {
    const answer = await orderJob<T>(deps, machine, order)
    isOutOfPatience(facts, false)
    if (answer.state === 'failed') throw faultOfJob(answer)
    return answer.state === 'running' ? null : answer.result
  } catch (error) {
    if (!(error instanceof Fault) || !STARTING.includes(error.code)) throw error
    if (isOutOfPatience(facts, true)) throw error
    return null
  }
}

const STARTING = ['door.unreachable', 'server.not_open', 'lease.unknown_server']

/** The fault that ended work at a host. */
function faultOfJob({ code, message, hint }: { code: string; message: string; hint?: string }): Fault {
  // What cannot be restored is the asker's to know; all else is a failure there.
  if (code.startsWith('restore.')) return new Fault('restore.refused', 409, message, { hint: RESTORE_HINT })
  return new Fault('backup.failed', 500, message, hint === undefined ? {} : { hint })
}

const RESTORE_HINT = 'See what can be restored: mainstay sql backup list SERVER'
