// Verdicts on what services stand on, from rows and newest facts: standbys, vaults, gateways, certificates.

import { primaryOf, type ServerWithMembers } from '../databases/servers.ts'
import type { SubjectKind } from '../health/incidents.ts'
import { judgeCertificate, judgeGateway, judgeStandby, judgeVault } from '../health/part-verdict.ts'
import type { Verdict } from '../health/verdict.ts'
import type { CertificateLife } from '../kit/certificate-life.ts'
import { HEARTBEAT_SILENT_MS } from '../kit/limits.ts'
import type { FactBoard } from '../regions/fact-board.ts'
import type { Fleet } from './snapshot.ts'

/** Whose certificates are looked at, and for how long one is made. `api`: of the management API; null without TLS. */
export type Certificates = { machineLifeMs: number; api: (CertificateLife & { domain: string }) | null }

export type Judged = { kind: SubjectKind; subject: string; area: string; verdict: Verdict }

/** The subject of the management API's certificate. */
export const API_SUBJECT = 'management-api'

/** Judges each once; `nowMs` is of the wall clock. */
export function judgeParts(board: FactBoard, fleet: Fleet, certificates: Certificates, nowMs: number): Judged[] {
  const domains = new Map(fleet.machines.map(({ name, domain }) => [name, domain]))
  const areaOf = (server: ServerWithMembers) => domains.get(primaryOf(server).machine) ?? server.home_region
  return [
    ...fleet.servers
      .filter(({ kind }) => kind === 'managed')
      .flatMap((server) => judgeServerParts(board, { server, area: areaOf(server) }, nowMs)),
    ...judgeGateways(board, fleet),
    ...judgeCertificates(fleet, certificates, nowMs),
  ]
}

// Of a primary that is not heard, nothing is known: what happened to it is another verdict.
function judgeServerParts(
  board: FactBoard,
  { server, area }: { server: ServerWithMembers; area: string },
  nowMs: number,
): Judged[] {
  const { name } = server
  const { machine } = primaryOf(server)
  const isHeard = board.hostSilentMs(machine) < HEARTBEAT_SILENT_MS
  const facts = isHeard ? board.host(machine)?.servers.find((one) => one.name === name) : undefined
  const member = server.members.find(({ role }) => role === 'standby')
  const lag = facts?.standby
  const standby = member && {
    machine: member.machine,
    standing: facts === undefined ? null : member.standing,
    ...{ lagBytes: lag?.lagBytes ?? 0, lagMs: lag?.lagMs ?? 0 },
  }
  const backup = facts?.backup
  const until = backup?.restorableTo ?? null
  const vault = backup && {
    ...{ vault: backup.vault, problem: backup.problem },
    behindMs: until === null ? null : Math.max(0, nowMs - Date.parse(until)),
  }
  return [
    { kind: 'standby', subject: name, area, verdict: judgeStandby(name, standby ?? null) },
    { kind: 'vault', subject: name, area, verdict: judgeVault(name, vault ?? null) },
  ]
}

function judgeGateways(board: FactBoard, { machines }: Fleet): Judged[] {
  const heard = new Map(board.gateways().map((gateway) => [gateway.facts.machine, gateway]))
  const gateways = machines.filter(({ role, revoked_at }) => role === 'gateway' && revoked_at === null)
  return gateways.map(({ name, domain }) => {
    const { silentMs = null, facts } = heard.get(name) ?? {}
    const { busy = 0, turnedAway = 0 } = facts?.load ?? {}
    return { kind: 'gateway', subject: name, area: domain, verdict: judgeGateway(name, { silentMs, busy, turnedAway }) }
  })
}

function judgeCertificates({ machines }: Fleet, { machineLifeMs, api }: Certificates, nowMs: number): Judged[] {
  const ours = machines.flatMap(({ name, domain, revoked_at, certificate_until }) =>
    revoked_at === null && certificate_until !== null
      ? [{ name, area: domain, leftMs: certificate_until.getTime() - nowMs, lifeMs: machineLifeMs }]
      : [],
  )
  const shown = api && {
    name: API_SUBJECT,
    area: api.domain,
    leftMs: api.untilMs - nowMs,
    lifeMs: api.untilMs - api.fromMs,
  }
  return [...ours, ...(shown ? [shown] : [])].map(({ name, area, ...life }) => ({
    ...{ kind: 'certificate' as const, subject: name, area },
    verdict: judgeCertificate(name === API_SUBJECT ? 'the management API' : name, life),
  }))
}
