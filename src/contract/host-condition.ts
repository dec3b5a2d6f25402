// What control waits for at a host while requests are held: the host looks by itself, and answers when it is so.
import type { HostFacts, ServerFacts, ServerState } from './facts.ts'

/** A runtime that serves a service under an epoch, as of a version of its assignment at least. */
export type Served = { runtime: string; service: string; epoch: number; version: number }

/** All of it must be so. Of a server: its state, and what else is named. */
export type HostCondition = {
  server?: { name: string; state: ServerState } & Partial<Pick<ServerFacts, 'role' | 'epoch' | 'version'>>
  served?: Served[]
}

/** What a condition is about. */
export type HostStand = Pick<HostFacts, 'runtimes'> & {
  servers: Pick<ServerFacts, 'name' | 'state' | 'role' | 'epoch' | 'version'>[]
}

/** True when the facts of a host are as the condition says. */
export function meets(stand: HostStand, { server, served = [] }: HostCondition): boolean {
  return (server === undefined || isServerSo(stand, server)) && served.every((one) => isServed(stand, one))
}

/** True when every process of the runtime serves the service under that epoch, as of that version at least. */
export function isServed({ runtimes }: Pick<HostStand, 'runtimes'>, wanted: Served): boolean {
  const runtime = runtimes.find((entry) => entry.name === wanted.runtime)
  if (!runtime || runtime.version < wanted.version) return false
  return runtime.services.some((entry) => entry.name === wanted.service && entry.epoch === wanted.epoch)
}

function isServerSo({ servers }: HostStand, wanted: NonNullable<HostCondition['server']>): boolean {
  const found = servers.find(({ name }) => name === wanted.name)
  if (found === undefined || found.state !== wanted.state) return false
  const isOfRole = wanted.role === undefined || found.role === wanted.role
  const isOfEpoch = wanted.epoch === undefined || found.epoch === wanted.epoch
  return isOfRole && isOfEpoch && found.version >= (wanted.version ?? 0)
}
