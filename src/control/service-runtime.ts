// A service's runtime as control reaches it: where it is, under which key, and what it said when it refused.
import { type ProbeTarget, runtimeOf } from '../regions/field.ts'
import type { Service } from '../services/services.ts'
import type { ApiDeps } from './compose.ts'

/** Where the service is served now. */
export function runtimeTarget({ views }: Pick<ApiDeps, 'views'>, service: Service): ProbeTarget {
  return {
    service: service.name,
    masterKey: views.open(service.master_key),
    epoch: Number(service.epoch),
    machine: service.machine,
    runtime: runtimeOf(service),
  }
}

/** The words of a refusal of the data plane. */
export function refusalOf(body: unknown): string {
  if (typeof body === 'object' && body !== null && 'error' in body) return String(body.error).replace(/^Error: /, '')
  return 'the service refused'
}
