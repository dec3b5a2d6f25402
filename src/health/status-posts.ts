// What operators wrote for the Service Dashboard: news, and maintenance that is planned.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { StatusPost } from '../contract/status-page.ts'
import { Fault } from '../kit/fault.ts'
import { randomId } from '../kit/identifiers.ts'
import { DASHBOARD_DAYS, DASHBOARD_POSTS_MAX } from '../kit/limits.ts'

type Written = Omit<StatusPost, 'html'>

/** The newest first, of the time that is shown; maintenance that is to come, whenever it was written. */
export async function listPosts(db: Kysely<ControlDatabase>, now: Date): Promise<Written[]> {
  const since = new Date(now.getTime() - DASHBOARD_DAYS * 86_400_000)
  const rows = await db
    .selectFrom('status_posts')
    .selectAll()
    .where((where) => where.or([where('at', '>', since), where('window_to', '>', now)]))
    .orderBy('at', 'desc')
    .limit(DASHBOARD_POSTS_MAX)
    .execute()
  return rows.map(({ id, at, title, text, window_from: from, window_to: to }) => ({
    ...{ id, at: at.toISOString(), title, text },
    window: from && to ? { from: from.toISOString(), to: to.toISOString() } : null,
  }))
}

/** Writes one; gives its id. Faults with `status.bad_window`. */
export async function addPost(
  db: Kysely<ControlDatabase>,
  caller: Caller,
  post: { title: string; text: string; window: { from: string; to: string } | null },
): Promise<string> {
  const { title, text, window } = post
  const [from, to] = window ? [new Date(window.from), new Date(window.to)] : [null, null]
  if (from && to && !(from < to)) {
    throw new Fault('status.bad_window', 400, 'maintenance must begin before it ends', {
      hint: 'Write both as 2026-11-25T14:00:00Z: --from TIME --until TIME',
    })
  }
  const id = randomId()
  await db.transaction().execute(async (trx) => {
    const row = { id, principal: caller.principal, title, text, window_from: from, window_to: to }
    await trx.insertInto('status_posts').values(row).execute()
    await audit(trx, caller, { action: 'status post', subject: id, after: { title, window } })
  })
  return id
}

/** Takes one away. Faults with `status.no_post`. */
export async function removePost(db: Kysely<ControlDatabase>, caller: Caller, id: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const gone = await trx.deleteFrom('status_posts').where('id', '=', id).returning('title').executeTakeFirst()
    if (!gone) {
      throw new Fault('status.no_post', 404, `there is no post ${id} on the Service Dashboard`, {
        hint: 'See which there are: mainstay status posts',
      })
    }
    await audit(trx, caller, { action: 'status unpost', subject: id, before: gone })
  })
}
