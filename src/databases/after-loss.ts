// What a server does before it takes writes in the place of one whose last writes may be missing here.
import type pg from 'pg'
import { raiseIdentities } from './identities.ts'
import { raiseStamps } from './stamps.ts'

/**
 * To be called on a promoted or restored server before any login is opened: no stamp and no id that an app has seen, of
 * rows that are not here, is given a second time.
 */
export async function raiseAboveLost(client: pg.Client): Promise<void> {
  await raiseStamps(client)
  await raiseIdentities(client)
}
