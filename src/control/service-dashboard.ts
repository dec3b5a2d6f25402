// The Service Dashboard as control writes it: read from the rows when somebody asks, at most once a second.
import type { Kysely } from 'kysely'
import MarkdownIt from 'markdown-it'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { StatusCopy, StatusPage } from '../contract/status-page.ts'
import { type IncidentFacts, makeStatusPage, type PublicFacts } from '../health/public-status.ts'
import { listPosts } from '../health/status-posts.ts'
import { DASHBOARD_DAYS, DASHBOARD_FRESH_MS } from '../kit/limits.ts'
import { listMachines, listRegions } from '../regions/regions.ts'

// No markup of the author's own goes through, and no link but to the web or to mail.
const markdown = new MarkdownIt({ html: false, linkify: true })

export class ServiceDashboard {
  readonly #db: Kysely<ControlDatabase>
  #newest: { copy: StatusCopy; at: number } | null = null
  #reading: Promise<StatusCopy> | null = null

  constructor(db: Kysely<ControlDatabase>) {
    this.#db = db
  }

  /** The page, and how old it is; an old one where the database does not answer, null where it never did. */
  async read(): Promise<{ copy: StatusCopy; ageMs: number; isFresh: boolean } | null> {
    const ageMs = () => performance.now() - (this.#newest?.at ?? Number.NEGATIVE_INFINITY)
    let isFresh = true
    if (ageMs() > DASHBOARD_FRESH_MS) {
      this.#reading ??= readCopy(this.#db).finally(() => {
        this.#reading = null
      })
      try {
        const copy = await this.#reading
        this.#newest = { copy, at: performance.now() }
      } catch {
        isFresh = false
      }
    }
    return this.#newest && { copy: this.#newest.copy, ageMs: ageMs(), isFresh }
  }
}

async function readCopy(db: Kysely<ControlDatabase>): Promise<StatusCopy> {
  const now = new Date()
  const machines = (await listMachines(db)).filter(({ revoked_at }) => revoked_at === null)
  const hosts = machines.filter(({ role }) => role === 'host')
  const facts: PublicFacts = {
    now,
    since: new Date(Math.min(now.getTime(), ...machines.map(({ joined_at }) => joined_at.getTime()))),
    places: await listPlaces(db, machines),
    incidents: await listFacts(db, new Date(now.getTime() - DASHBOARD_DAYS * 86_400_000)),
    posts: (await listPosts(db, now)).map((post) => ({ ...post, html: markdown.render(post.text) })),
    areNamesShown: (await db.selectFrom('cloud').select('shows_names').executeTakeFirst())?.shows_names ?? false,
  }
  const page: StatusPage = makeStatusPage(facts)
  return { page, regions: Object.fromEntries(hosts.map(({ name, domain }) => [name, domain])) }
}

async function listPlaces(
  db: Kysely<ControlDatabase>,
  machines: { role: string; domain: string }[],
): Promise<PublicFacts['places']> {
  const regions = await listRegions(db)
  const domainsOf = (wanted: string) =>
    [...new Set(machines.filter(({ role }) => role === wanted).map(({ domain }) => domain))].sort()
  const controls = await db.selectFrom('controls').select('domain').distinct().orderBy('domain').execute()
  return [
    ...regions.flatMap(({ name: area }) => [
      { area, component: 'compute' as const },
      { area, component: 'database' as const },
    ]),
    ...domainsOf('gateway').map((area) => ({ area, component: 'gateway' as const })),
    ...controls.map(({ domain: area }) => ({ area, component: 'management' as const })),
  ]
}

async function listFacts(db: Kysely<ControlDatabase>, since: Date): Promise<IncidentFacts[]> {
  const rows = await db
    .selectFrom('incidents')
    .leftJoin('services', (join) =>
      join.onRef('services.id', '=', 'incidents.subject').on('incidents.kind', '=', 'service'),
    )
    .select(['incidents.id', 'area', 'incidents.state', 'cause', 'opened_at', 'closed_at', 'services.name as service'])
    .select('secondary_for')
    .where((where) => where.or([where('closed_at', 'is', null), where('closed_at', '>', since)]))
    .execute()
  return rows.map(({ opened_at: openedAt, closed_at: closedAt, state, secondary_for, ...row }) => ({
    ...row,
    ...{ openedAt, closedAt, isSecondary: secondary_for !== null },
    state: state === 'Unhealthy' ? 'Unhealthy' : 'Degraded',
  }))
}
