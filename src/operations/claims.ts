// How a change that takes long is begun: everything is checked and claimed in one transaction, or tried and taken back.
import type { Kysely } from 'kysely'
import type { Caller } from '../accounts/caller.ts'
import type { DryRunView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { beginOnce } from './operations.ts'

/** How a claim is made: by whose key, and whether it is only tried. */
export type ClaimOptions = { idempotencyKey: string | null; isDryRun: boolean }

/** A claim that was made, or tried: its operation, and what it comes to in sentences. */
export type Claim = { operationId: string; changes: string[] }

/** Makes a claim, at most once for a key. Returns the id of the operation that was begun with it. */
export async function beginClaim(
  db: Kysely<ControlDatabase>,
  asked: { caller: Caller; key: string | null },
  claim: (how: ClaimOptions) => Promise<Claim>,
): Promise<string> {
  const { caller, key } = asked
  return await beginOnce(
    db,
    { subscriptionId: caller.subscriptionId, key },
    {
      begin: async () => (await claim({ idempotencyKey: key, isDryRun: false })).operationId,
      again: ({ id }) => id,
    },
  )
}

/** What a claim would come to; faults as it would, and changes nothing. */
export async function planClaim(claim: (how: ClaimOptions) => Promise<Claim>): Promise<DryRunView> {
  const { changes } = await claim({ idempotencyKey: null, isDryRun: true })
  return { isDryRun: true, changes }
}
