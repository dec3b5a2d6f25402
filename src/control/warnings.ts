// What deserves attention though nobody asked: of servers, services and machines, and what was left behind.
import type { Kysely } from 'kysely'
import type { ServerView, ServiceView, StatusView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { listDivergences } from '../databases/divergences.ts'
import {
  BACKUP_OLD_MS,
  CERTIFICATE_ENDS_SOON_MS,
  DISK_LOW_BYTES,
  DISK_LOW_SHARE,
  GATEWAY_SILENT_MS,
} from '../kit/limits.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import { findAuthority } from '../services/acme-authority.ts'
import { listEndingCertificates } from '../services/certificates.ts'
import { listFailingDomains } from '../services/domains.ts'
import { controlWarnings } from './control-view.ts'
import { listControls } from './election.ts'
import type { Lineage } from './lineage.ts'
import { listUnknownSentences } from './unknown-holdings.ts'

type Deps = { db: Kysely<ControlDatabase>; board: FactBoard; domain: string; lineage: Lineage }

/** A sentence for each, most with what to type. `status`: what is shown beside them. */
export async function listWarnings(
  { db, board, domain, lineage }: Deps,
  status: Omit<StatusView, 'warnings'>,
  servers: ServerView[],
): Promise<string[]> {
  const held = lineage.heldBy()
  return [
    ...(held ? [held.message] : []),
    ...serverWarnings(domain, servers),
    ...(await strandedWarnings(db)),
    ...(await noticeWarnings(db)),
    ...verificationWarnings(status.services),
    ...gatewayWarnings(status.machines),
    ...(await certificateWarnings(db, Date.now())),
    ...ownCertificateWarnings(board, Date.now()),
    ...sandboxWarnings(status.machines),
    ...controlWarnings(await listControls(db), Date.now()),
    ...(await listUnknownSentences(db)),
    ...(await lineage.unheard()).map(
      (machine) =>
        `${machine} was not heard since this control was restored, and may hold something newer. ` +
        `When it is off for good: mainstay control settle --without ${machine}`,
    ),
  ]
}

// Less than this is ordinary traffic on its way.
const LAG_WARNING_BYTES = 16 * 1_048_576

function serverWarnings(domain: string, servers: ServerView[]): string[] {
  const warnings: string[] = []
  for (const server of servers) {
    if (domain === server.region) {
      warnings.push(`control is in ${domain}, with ${server.name}: the loss of that region would take both`)
    }
    const standby = server.members.find((member) => member.role === 'standby')
    if (server.kind === 'external') {
      warnings.push(...externalWarnings(server))
      continue
    }
    if (server.protection === 'vault') {
      if (!server.isProtected) warnings.push(`nothing of ${server.name} can be restored yet, and it has no standby`)
    } else if (!standby && server.services.length > 0)
      warnings.push(`${server.name} has no standby: its data is in ${server.region} only`)
    else if (standby && standby.standing !== 'ready')
      warnings.push(`the standby of ${server.name} in ${standby.region} is ${standby.standing}`)
    const until = server.backup?.restorableTo
    if (server.backup?.checkProblem) {
      warnings.push(`the last check of the backups of ${server.name} found: ${server.backup.checkProblem}`)
    }
    if (server.backup?.problem) warnings.push(`backups of ${server.name}: ${server.backup.problem}`)
    else if (until && Date.now() - Date.parse(until) > BACKUP_OLD_MS)
      warnings.push(`the newest moment of ${server.name} that can be restored is ${until}`)
    const lag = standby?.standing === 'ready' ? standby.lagBytes : null
    if (lag !== null && lag > LAG_WARNING_BYTES) warnings.push(`the standby of ${server.name} is ${lag} bytes behind`)
    warnings.push(...server.members.flatMap((member) => diskWarning(server, member) ?? []))
    const kept = server.members.find((member) => member.quarantine)
    if (kept)
      warnings.push(
        `${server.name} has writes kept in quarantine on ${kept.machine}: mainstay sql server show ${server.name}`,
      )
  }
  return warnings
}

function diskWarning({ name, backup }: ServerView, { disk, machine, role }: ServerView['members'][number]) {
  if (disk === null || disk.freeBytes >= Math.min(DISK_LOW_BYTES, DISK_LOW_SHARE * disk.totalBytes)) return null
  const left = `${formatMiB(disk.freeBytes)} of ${formatMiB(disk.totalBytes)} are left where ${name} is on ${machine}`
  const held = role === 'primary' ? (backup?.behindBytes ?? 0) : 0
  return held > LAG_WARNING_BYTES ? `${left}, and ${formatMiB(held)} of WAL wait there for the vault` : left
}

function formatMiB(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`
}

function externalWarnings({ name, external }: ServerView): string[] {
  const bad = (external?.hosts ?? []).filter(({ state }) => state === 'unreachable' || state === 'too_old')
  return bad.map(({ place, problem }) => `the external server ${name}: ${place} cannot be used: ${problem}`)
}

async function strandedWarnings(db: Kysely<ControlDatabase>): Promise<string[]> {
  const kept = (await listDivergences(db)).filter(({ state }) => state === 'kept')
  return kept.map(
    ({ server, summary }) =>
      `${summary.changes} change(s) that only a lost primary of ${server} had are kept: ` +
      `mainstay sql divergence show ${server}`,
  )
}

// Somebody who wants to be told and is not hears nothing of that otherwise.
async function noticeWarnings(db: Kysely<ControlDatabase>): Promise<string[]> {
  const failing = await db
    .selectFrom('notices')
    .innerJoin('notice_targets', 'notice_targets.id', 'notices.target_id')
    .select(['kind', 'target', 'problem'])
    .distinctOn('target_id')
    .where('sent_at', 'is', null)
    .where('problem', 'is not', null)
    .orderBy('target_id')
    .orderBy('notices.created_at', 'desc')
    .execute()
  return failing.map(({ kind, target, problem }) => `notices do not reach ${target} (${kind}): ${problem}`)
}

function verificationWarnings(services: ServiceView[]): string[] {
  return services.flatMap(({ name, verification }) =>
    verification?.state === 'failed'
      ? [
          `the last verification of '${name}' ended with: ${verification.problem}; again: mainstay mobile verify ${name}`,
        ]
      : [],
  )
}

function gatewayWarnings(machines: StatusView['machines']): string[] {
  return machines
    .filter(
      ({ role, lastSeenMs }) => role === 'gateway' && (lastSeenMs ?? Number.POSITIVE_INFINITY) >= GATEWAY_SILENT_MS,
    )
    .map(({ name }) => `${name} has not been heard: it may answer with old routes`)
}

// Browsers and apps refuse a service whose certificate has ended: nobody should hear of it by that.
async function certificateWarnings(db: Kysely<ControlDatabase>, nowMs: number): Promise<string[]> {
  const ending = await listEndingCertificates(db, new Date(nowMs + CERTIFICATE_ENDS_SOON_MS))
  const failing = await listFailingDomains(db)
  const isOn = (await findAuthority(db)) !== null
  return [
    ...ending.map(({ service, domain, expiresAt, isIssued }) => {
      const next =
        isIssued && isOn ? 'a new one is asked for' : `add another one: mainstay mobile cert add ${service} FILE.pfx`
      return `the certificate of ${domain} (${service}) ${endText(expiresAt.getTime(), nowMs)}; ${next}`
    }),
    ...failing.map(
      ({ service, name, problem }) =>
        `no certificate could be issued for ${name} (${service}): ${problem}; ` +
        `again at once: mainstay mobile domain ssl enable ${service} ${name} --acme`,
    ),
  ]
}

function ownCertificateWarnings(board: FactBoard, nowMs: number): string[] {
  return board.gateways().flatMap(({ facts: { machine, tls } }) => {
    if (!tls?.own) return []
    const { until, problem } = tls.own
    const untilMs = Date.parse(until)
    const ends = untilMs < nowMs + CERTIFICATE_ENDS_SOON_MS
    return [
      ...(problem === null ? [] : [`${machine} cannot use the files of its certificate as they are now: ${problem}`]),
      ...(ends ? [`the certificate of ${machine} ${endText(untilMs, nowMs)}: replace its files`] : []),
    ]
  })
}

function endText(untilMs: number, nowMs: number): string {
  if (untilMs <= nowMs) return `ended on ${new Date(untilMs).toISOString()}`
  return `ends in ${Math.floor((untilMs - nowMs) / 86_400_000)} day(s), on ${new Date(untilMs).toISOString()}`
}

function sandboxWarnings(machines: StatusView['machines']): string[] {
  return machines.flatMap(({ name, sandbox }) => {
    if (sandbox === 'reduced') return [`${name} has sandbox: reduced, with fewer walls around scripts: mainstay doctor`]
    return sandbox === 'off' ? [`${name} has sandbox: off, and runs no scripts: mainstay doctor`] : []
  })
}
