// What a host and its runtimes say to each other over the ipc channel.
import type { RequestCount } from '../kit/request-counts.ts'
import type { ServiceAssignment } from './assignment.ts'
import type { SandboxLevel, ScriptRuns } from './facts.ts'
import type { PushCounts } from './push.ts'
import type { ServiceLines } from './service-log.ts'
import type { SlowRead } from './slow-read.ts'

/**
 * A service with the local socket folder under which its server is reached, and where the texts of its scripts lie.
 * `modulesFolder`: where its npm modules lie, once they are there. Left out by an older host, and where there are none.
 */
export type RuntimeService = ServiceAssignment & {
  socketFolder: string
  scriptFolder: string
  modulesFolder?: string
}

/** Until when (kit clock `bootMs`) commits on a server may be acknowledged; null: no lease applies; 0: refused. */
export type LeaseUntil = { server: string; untilBootMs: number | null }

export type ToRuntime =
  | { kind: 'services'; version: number; services: RuntimeService[] }
  | { kind: 'leases'; leases: LeaseUntil[] }

/** What a runtime says of itself every few seconds. It counts from one message to the next: its end loses little. */
export type RuntimeNumbers = {
  requests: RequestCount[]
  scripts: ScriptRuns[]
  push?: PushCounts[]
  sandboxStarts: number
  sandboxes: { running: number; blocked: number }
  connections: { open: number; waiting: number }
  memoryBytes: number
  /** By the ids of services; left out by an older runtime. */
  slowReads?: { service: string; reads: SlowRead[] }[]
}

export type FromRuntime =
  | { kind: 'listening' }
  | { kind: 'sandbox'; sandbox: SandboxLevel }
  | { kind: 'lines'; lines: ServiceLines }
  | { kind: 'numbers'; numbers: RuntimeNumbers }
  | { kind: 'serving'; version: number; services: { name: string; epoch: number }[] }
