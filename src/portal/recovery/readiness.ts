// Whether a service could be recovered now: named checks, each with what mends it. Facts in, checks out.

import { formatMs } from '../../contract/amounts.ts'
import type { ServerView, ServiceView } from '../../contract/api.ts'
import { sizeText } from '../kit/amounts.ts'

/** A vault whose newest restorable moment is older is worth a look: base backups and WAL come all the time. */
export const RESTORABLE_AGE_MS_MAX = 120_000

export type ReadinessFacts = {
  service: Pick<ServiceView, 'name' | 'region' | 'mode' | 'units' | 'secondary' | 'operation' | 'server'>
  secondary: Pick<ServiceView, 'name' | 'region' | 'mode' | 'units' | 'health'> | null
  server: ServerView | null
  lossMsMax: number | null
  nowMs: number
}

/** `bad`: a recovery is refused, or has nothing to work with. `warning`: it works, and costs more. */
export type Check = { name: string; state: 'good' | 'warning' | 'bad' | 'unknown'; text: string; fix: string | null }

export function checkReadiness(facts: ReadinessFacts): Check[] {
  return [
    hasSecondary(facts),
    ...(facts.secondary === null ? [] : [isSecondaryReady(facts.secondary), isElsewhere(facts), fits(facts)]),
    standby(facts),
    lag(facts),
    backups(facts),
    isFree(facts),
  ]
}

/** The worst of them, for one word about all. */
export function worstOf(checks: Check[]): Check['state'] {
  const order = ['bad', 'warning', 'unknown', 'good'] as const
  return order.find((state) => checks.some((check) => check.state === state)) ?? 'good'
}

function hasSecondary({ service }: ReadinessFacts): Check {
  const name = 'Has a secondary'
  if (service.secondary !== null) return good(name, `${service.secondary} stands by for it.`)
  return bad(
    name,
    'Nothing is promised to it elsewhere, so a recovery has nowhere to go.',
    `mainstay mobile create ${service.name}-2 --secondary-for ${service.name}`,
  )
}

function isSecondaryReady({ name: secondary, health }: NonNullable<ReadinessFacts['secondary']>): Check {
  const name = 'The secondary is Ready'
  if (health.state === 'Ready') return good(name, `${secondary} is Ready.`)
  return bad(name, `${secondary} is ${health.state}${health.message ? `: ${health.message}` : '.'}`, health.next)
}

function isElsewhere({ service, secondary }: ReadinessFacts): Check {
  const name = 'The secondary is in another region'
  if (secondary === null || secondary.region !== service.region) {
    return good(name, `${service.region}, and ${secondary?.region ?? 'elsewhere'}.`)
  }
  const text = `Both are in ${service.region}: one loss takes both.`
  return bad(name, text, `mainstay mobile switchover ${secondary.name} REGION`)
}

function fits({ service, secondary }: ReadinessFacts): Check {
  const name = 'The secondary is large enough'
  if (secondary === null) return unknown(name, 'It has none.')
  const isModeFit = service.mode === 'shared' || secondary.mode === 'reserved'
  if (isModeFit && secondary.units >= service.units) return good(name, `It is ${sizeText(secondary)}.`)
  return bad(
    name,
    `It is ${sizeText(secondary)}; the service is ${sizeText(service)}.`,
    `mainstay mobile scale change ${secondary.name} --mode ${service.mode} --units ${service.units}`,
  )
}

function standby({ service, secondary, server }: ReadinessFacts): Check {
  const name = 'The database has a standby that is ready'
  if (server === null) return unknown(name, 'Its server cannot be read.')
  if (server.kind === 'external') return unknown(name, 'Its server is somebody else’s; protection is theirs.')
  const protect = `mainstay sql server protect ${service.server} --protection async`
  const members = server.members.filter(({ role }) => role === 'standby')
  const ready = members.find(({ standing }) => standing === 'ready')
  if (ready) {
    if (secondary === null || ready.region === secondary.region) return good(name, `In ${ready.region}.`)
    return warning(name, `It is in ${ready.region}, the secondary in ${secondary.region}.`, null)
  }
  const [member] = members
  if (member) return warning(name, `In ${member.region} it is ${member.standing ?? member.state}: not ready yet.`, null)
  return bad(name, 'No other region has its data but the vault.', protect)
}

function lag({ service, server, lossMsMax }: ReadinessFacts): Check {
  const name = 'The standby is close enough'
  const ready = server?.members.find(({ role, standing }) => role === 'standby' && standing === 'ready')
  if (!ready || lossMsMax === null) return unknown(name, 'There is no standby to measure.')
  if (ready.lagBytes === 0) return good(name, 'It has every write.')
  if (ready.lagMs === null) return unknown(name, 'How far it is behind was not measured.')
  const text = `${formatMs(ready.lagMs)} behind; this service accepts the loss of ${formatMs(lossMsMax)}.`
  if (ready.lagMs <= lossMsMax) return good(name, text)
  return warning(
    name,
    text,
    `mainstay mobile config set ${service.name} recovery.lossMax ${Math.ceil(ready.lagMs / 1_000)}s`,
  )
}

function backups({ service, server, nowMs }: ReadinessFacts): Check {
  const name = 'The vault can restore it'
  if (server === null || server.kind === 'external') return unknown(name, 'Its backups are not ours.')
  const create = `mainstay sql backup create ${service.server}`
  if (server.backup === null) return warning(name, 'Its server has no vault.', null)
  const { restorableTo, problem } = server.backup
  if (problem !== null) return warning(name, problem, null)
  if (restorableTo === null) return warning(name, 'There is no backup yet.', create)
  const ageMs = Math.max(0, nowMs - Date.parse(restorableTo))
  if (ageMs <= RESTORABLE_AGE_MS_MAX) return good(name, `To any moment until ${formatMs(ageMs)} ago.`)
  return warning(name, `Only until ${formatMs(ageMs)} ago.`, create)
}

function isFree({ service }: ReadinessFacts): Check {
  const name = 'Nothing else is under way'
  if (service.operation === null) return good(name, 'No operation holds it.')
  return warning(
    name,
    'An operation holds it; a recovery waits its turn.',
    `mainstay operation watch ${service.operation}`,
  )
}

const good = (name: string, text: string): Check => ({ name, state: 'good', text, fix: null })
const unknown = (name: string, text: string): Check => ({ name, state: 'unknown', text, fix: null })
const warning = (name: string, text: string, fix: string | null): Check => ({ name, state: 'warning', text, fix })
const bad = (name: string, text: string, fix: string | null): Check => ({ name, state: 'bad', text, fix })
