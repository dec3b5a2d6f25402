// What a host says about one service, read from its facts.
import type { HostFacts } from '../contract/facts.ts'

/** True when every process of the runtime serves the service under that epoch, as of that version. */
export function isServed(
  facts: HostFacts,
  wanted: { runtime: string; service: string; epoch: number; version: number },
): boolean {
  const runtime = facts.runtimes.find((entry) => entry.name === wanted.runtime)
  if (!runtime || runtime.version < wanted.version) return false
  return runtime.services.some((entry) => entry.name === wanted.service && entry.epoch === wanted.epoch)
}

/** True when no runtime of the host serves the service under any epoch. */
export function isNotServed(facts: HostFacts, service: string): boolean {
  return facts.runtimes.every((runtime) => runtime.services.every((entry) => entry.name !== service))
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
