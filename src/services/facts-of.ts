// What a host says about one service, read from its facts.
import type { Mode } from '../contract/api.ts'
import type { HostFacts } from '../contract/facts.ts'
import { isServed } from '../contract/host-condition.ts'
import { waitFor } from '../kit/clock.ts'
import { Fault } from '../kit/fault.ts'
import { CHANGE_FOLLOW_MS_MAX } from '../kit/limits.ts'
import { isNotAnswering } from '../operations/runner.ts'
import { type Field, runtimeOf } from '../regions/field.ts'
import type { Size } from '../regions/ledger.ts'

/** True when the runtime of that shape serves the service with all its processes. */
export function isServedBy(facts: HostFacts, wanted: Size & { name: string; epoch: number; version: number }): boolean {
  const runtime = runtimeOf(wanted)
  const found = facts.runtimes.find((entry) => entry.name === runtime)
  const isWhole = wanted.mode === 'shared' || found?.processes === wanted.units
  return isWhole && isServed(facts, { ...wanted, runtime, service: wanted.name })
}

/** True when no runtime of the host serves the service under any epoch. */
export function isNotServed(facts: HostFacts, service: string): boolean {
  return facts.runtimes.every((runtime) => runtime.services.every((entry) => entry.name !== service))
}

/** Waits until every process of a service's runtime serves it as of that version. Faults as `untilFollows`. */
export async function untilServed(
  field: Pick<Field, 'askHost'>,
  service: { name: string; mode: Mode; epoch: string | number; machine: string },
  version: number,
): Promise<void> {
  const wanted = { runtime: runtimeOf(service), service: service.name, epoch: Number(service.epoch), version }
  await untilFollows(field, { machine: service.machine, service: service.name }, (facts) => isServed(facts, wanted))
}

/**
 * Waits until the facts of a host show a change that is recorded already. A host that is lost ends the wait; one that
 * was heard of late is given time, since it may be starting, or starting processes slowly. Faults with
 * `door.unreachable`, with `change.late`, or as `check` does.
 */
export async function untilFollows(
  field: Pick<Field, 'askHost'>,
  where: { machine: string; service: string },
  check: (facts: HostFacts) => boolean,
  withinMs = CHANGE_FOLLOW_MS_MAX,
): Promise<void> {
  const look = async () => {
    try {
      return check(await field.askHost(where.machine)) ? true : undefined
    } catch (error) {
      if (!isNotAnswering(error)) throw error
      return undefined
    }
  }
  try {
    await waitFor('the change', look, { withinMs })
  } catch (error) {
    if (!(error instanceof Fault && error.code === 'wait.timed_out')) throw error
    throw new Fault('change.late', 504, `${where.machine} has not carried the change out within ${withinMs} ms`, {
      hint: `The change is recorded and goes on by itself. Watch it: mainstay mobile show ${where.service}`,
      cause: error,
    })
  }
}

/** The problem that keeps a schema from being ready; null when it is ready as of that version; undefined: not yet. */
export function schemaProblem(
  facts: HostFacts,
  wanted: { server: string; schema: string; version: number },
): string | null | undefined {
  const server = facts.servers.find((entry) => entry.name === wanted.server)
  const schema = server?.schemas.find((entry) => entry.schema === wanted.schema)
  if (schema?.problem) return schema.problem
  if (server?.state !== 'running' || server.version < wanted.version) return undefined
  return null
}
