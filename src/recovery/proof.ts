// The proof that a service lives in its new home: our own row, written and read at its runtime or at the stable URL.
import { type Operation, serviceIdOf } from '../operations/operations.ts'
import { type ProbeTarget, runtimeOf } from '../regions/field.ts'
import { getServiceById } from '../services/services.ts'
import type { RecoveryDeps } from './recover-facts.ts'

/** The service of an operation, as a probe finds it. */
export async function probeTarget(deps: RecoveryDeps, operation: Operation): Promise<ProbeTarget> {
  const service = await getServiceById(deps.db, serviceIdOf(operation))
  return {
    service: service.name,
    masterKey: deps.openKey(service),
    epoch: Number(service.epoch),
    machine: service.machine,
    runtime: runtimeOf(service),
  }
}

/** Writes and reads through every live gateway; `late` are those that are not heard. Faults with `probe.failed`. */
export async function proveThroughGateways(
  deps: RecoveryDeps,
  operation: Operation,
): Promise<{ live: string[]; late: string[] }> {
  const target = await probeTarget(deps, operation)
  const gateways = await deps.field.gateways()
  for (const gateway of gateways.live) await deps.field.probeThroughGateway(gateway, target)
  return gateways
}
