// Stranded writes as rows: which bundles there are, and what was done with them.
import type { Kysely, Selectable } from 'kysely'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { BundleApplied } from '../contract/divergence.ts'
import type { HostFacts } from '../contract/facts.ts'
import { Fault } from '../kit/fault.ts'

type Db = Kysely<ControlDatabase>
export type Divergence = Selectable<ControlDatabase['divergences']>

/** All of them, the newest first; of one server where it is named. */
export async function listDivergences(db: Db, server?: string): Promise<Divergence[]> {
  const all = db.selectFrom('divergences').selectAll().orderBy('found_at', 'desc').orderBy('server')
  return await (server === undefined ? all : all.where('server', '=', server)).execute()
}

/** The one of that epoch, or the newest that was not discarded. Faults with `divergence.unknown`. */
export async function getDivergence(db: Db, server: string, epoch: number | undefined): Promise<Divergence> {
  const all = await listDivergences(db, server)
  const found = all.find((one) => (epoch === undefined ? one.state !== 'discarded' : Number(one.epoch) === epoch))
  if (found) return found
  const which = epoch === undefined ? '' : ` under epoch ${epoch}`
  throw new Fault('divergence.unknown', 404, `no stranded writes of ${server}${which} are known`, {
    hint: 'See which there are: mainstay sql divergence list',
  })
}

/** Writes down what hosts have decoded of what is quarantined with them; what is known already stays as it is. */
export async function noteDivergences(db: Db, hosts: HostFacts[]): Promise<void> {
  const found = hosts.flatMap(({ machine, servers }) =>
    servers.flatMap(({ quarantine }) => (quarantine?.bundle ? [{ machine, summary: quarantine.bundle }] : [])),
  )
  if (found.length === 0) return
  const known = await listDivergences(db)
  for (const { machine, summary } of found) {
    const { server, epoch, changes } = summary
    if (known.some((one) => one.server === server && Number(one.epoch) === epoch)) continue
    const row = { server, epoch, machine, summary: JSON.stringify(summary), applied: null }
    await db
      .insertInto('divergences')
      .values({ ...row, state: changes === 0 ? 'applied' : 'kept' })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

/** Notes what applying a bundle did. All of it is there when nothing was left alone. */
export async function noteApplied(trx: Db, key: { server: string; epoch: number }, done: BundleApplied): Promise<void> {
  await trx
    .updateTable('divergences')
    .set({ applied: JSON.stringify(done), ...(done.skipped === 0 ? { state: 'applied' as const } : {}) })
    .where('server', '=', key.server)
    .where('epoch', '=', String(key.epoch))
    .execute()
}

/** Notes that a person has no use for what is left of it. */
export async function discardDivergence(trx: Db, key: { server: string; epoch: number }): Promise<void> {
  await trx
    .updateTable('divergences')
    .set({ state: 'discarded' })
    .where('server', '=', key.server)
    .where('epoch', '=', String(key.epoch))
    .execute()
}
