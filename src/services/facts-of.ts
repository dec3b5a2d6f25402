// What a host says about one service, read from its facts.
import type { Mode } from '../contract/api.ts'
import type { HostFacts } from '../contract/facts.ts'
import { waitFor } from '../kit/clock.ts'
import { REGION_CALL_MS_MAX } from '../kit/limits.ts'
import { type Field, runtimeOf } from '../regions/field.ts'
import type { Size } from '../regions/ledger.ts'

/** True when every process of the runtime serves the service under that epoch, as of that version. */
export function isServed(
  facts: HostFacts,
  wanted: { runtime: string; service: string; epoch: number; version: number },
): boolean {
  const runtime = facts.runtimes.find((entry) => entry.name === wanted.runtime)
  if (!runtime || runtime.version < wanted.version) return false
  return runtime.services.some((entry) => entry.name === wanted.service && entry.epoch === wanted.epoch)
}

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

/** Waits until every process of a service's runtime serves it as of that version. Faults with `wait.timed_out`. */
export async function untilServed(
  field: Field,
  service: { name: string; mode: Mode; epoch: string | number; machine: string },
  version: number,
): Promise<void> {
  const wanted = { runtime: runtimeOf(service), service: service.name, epoch: Number(service.epoch), version }
  await waitFor(
    `a runtime on ${service.machine} to follow`,
    async () => (isServed(await field.askHost(service.machine), wanted) ? true : undefined),
    { withinMs: REGION_CALL_MS_MAX },
  )
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
