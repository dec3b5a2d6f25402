// What the steps of a verification share: what they found so far, and where the service is.
import { getServer, primaryOf } from '../databases/servers.ts'
import { type Operation, serviceIdOf } from '../operations/operations.ts'
import type { Patience } from '../operations/patience.ts'
import type { StepContext } from '../operations/runner.ts'
import { getServiceById, listTables } from '../services/services.ts'
import type { RecoveryDeps } from './recover-facts.ts'

/** Part of the operation. `place`: where it was when its runtime was asked. */
export type VerifyFacts = Patience & { problems?: string[]; round?: number; place?: string }

export const VERIFY_AGAIN_MS = 200

/** The service, its tables by name, and the machine of its primary. */
export async function placeOf(deps: RecoveryDeps, operation: Operation) {
  const service = await getServiceById(deps.db, serviceIdOf(operation))
  const defined = await listTables(deps.db, [service.id])
  const tables = defined.map(({ name }) => name)
  const integerTables = defined.filter((table) => table.id_type === 'integer').map(({ name }) => name)
  const { machine } = primaryOf(await getServer(deps.db, service.server))
  return { service, tables, integerTables, machine }
}

/** Adds to what was found. */
export function note({ facts }: StepContext, problems: string[]): void {
  const known = facts as VerifyFacts
  known.problems = [...(known.problems ?? []), ...problems]
}

/** For the end of a step's detail. */
export function foundText(problems: string[]): string {
  return problems.length === 0 ? '' : `; ${problems.length} problem(s)`
}
