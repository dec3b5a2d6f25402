// Incidents as people read them: with names instead of ids, the newest first.
import type { Kysely } from 'kysely'
import type { IncidentView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { LIST_ROWS_MAX } from '../kit/limits.ts'

/** At most `limit` of those that concern a subscription: its own services, and what all share. */
export async function listIncidents(
  db: Kysely<ControlDatabase>,
  subscriptionId: string,
  wanted: { isOpen?: boolean | undefined; subject?: string | undefined; limit: number },
): Promise<IncidentView[]> {
  const { isOpen, subject, limit } = wanted
  const rows = await db
    .selectFrom('incidents')
    .leftJoin('services', (join) =>
      join.onRef('services.id', '=', 'incidents.subject').on('incidents.kind', '=', 'service'),
    )
    .leftJoin('regions', (join) =>
      join.onRef('regions.slug', '=', 'incidents.subject').on('incidents.kind', '=', 'region'),
    )
    .selectAll('incidents')
    .select(['services.name as service_name', 'regions.name as region_name'])
    .where((where) =>
      where.or([where('incidents.kind', '<>', 'service'), where('services.subscription_id', '=', subscriptionId)]),
    )
    .$if(isOpen !== undefined, (query) => query.where('closed_at', isOpen ? 'is' : 'is not', null))
    .$if(subject !== undefined, (query) =>
      query.where((where) => {
        const text = String(subject)
        return where.or([
          where('incidents.subject', '=', text),
          where(where.fn<string>('lower', ['services.name']), '=', text.toLowerCase()),
          where('regions.name', '=', text),
        ])
      }),
    )
    .orderBy('opened_at', 'desc')
    .limit(Math.min(limit, LIST_ROWS_MAX))
    .execute()
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    subject: row.service_name ?? row.region_name ?? row.subject,
    state: row.state === 'Unhealthy' ? 'Unhealthy' : 'Degraded',
    cause: row.cause,
    message: row.message,
    evidence: row.evidence,
    openedAt: row.opened_at.toISOString(),
    closedAt: row.closed_at?.toISOString() ?? null,
  }))
}
