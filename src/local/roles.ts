// The roles of the local cloud as processes: their command lines, join tokens, logs and greetings put together.
import { join } from 'node:path'
import type { JoinTokenRequest } from '../contract/api.ts'
import type { ToRole } from '../contract/local-cloud.ts'
import { lifeOf } from '../kit/certificate-life.ts'
import { readJsonIfAny } from '../kit/files.ts'
import { slugOf } from '../kit/identifiers.ts'
import { type CloudHome, hostHomeOf } from './cloud-home.ts'
import { type CommandFacts, controlCommand, gatewayCommand, hostCommand } from './role-commands.ts'
import { RoleProcess, type RoleSpawner } from './role-process.ts'

/** A token for a new machine, or for one that joins again under its name. */
export type TokenRequest = JoinTokenRequest | { machine: string }

/** What all roles of one cloud share. */
export type RoleContext = {
  home: CloudHome
  facts: CommandFacts
  env: NodeJS.ProcessEnv
  spawn: RoleSpawner
  /** Asks control for a token that works once, if one is needed: in the order of these calls. */
  makeJoinToken: (findNeeded: () => Promise<TokenRequest | null>) => Promise<string | null>
  /** What the host of a region is told first. */
  greetingOf: (region: string) => ToRole | null
}

type RoleFacts = {
  name: string
  args: string[]
  home: string
  /** What its join token must say; control needs none. */
  joins: JoinTokenRequest | null
  greeting: () => ToRole | null
}

type KeptIdentity = { name?: string; certificate?: string }

/** Which token a role's next start needs: one to join, one to join again after a month of standing still, or none. */
export function tokenNeeded(joins: JoinTokenRequest, kept: KeptIdentity | null, nowMs: number): TokenRequest | null {
  if (kept === null) return joins
  if (kept.name === undefined || kept.certificate === undefined) return null
  return lifeOf(kept.certificate).untilMs > nowMs ? null : { machine: kept.name }
}

export function makeControl(context: RoleContext): RoleProcess {
  const args = controlCommand(context.facts)
  return makeRole(context, { name: 'control', args, home: context.home.folder, joins: null, greeting: () => null })
}

export function makeGateway(context: RoleContext): RoleProcess {
  const args = gatewayCommand(context.facts)
  const joins: JoinTokenRequest = { role: 'gateway', domain: 'edge' }
  return makeRole(context, { name: 'gateway', args, home: context.home.gateway, joins, greeting: () => null })
}

export function makeHost(context: RoleContext, region: string): RoleProcess {
  const home = hostHomeOf(context.home, region)
  const args = hostCommand(context.facts, { home, region })
  const joins: JoinTokenRequest = { role: 'host', domain: region }
  const greeting = () => context.greetingOf(region)
  return makeRole(context, { name: `host-${slugOf(region)}`, args, home, joins, greeting })
}

function makeRole(context: RoleContext, role: RoleFacts): RoleProcess {
  const { name, args, joins, greeting } = role
  const { env, spawn } = context
  const prepare = async () => {
    if (joins === null) return {}
    const token = await context.makeJoinToken(async () => {
      const kept = await readJsonIfAny<KeptIdentity>(join(role.home, 'certificate.json'))
      return tokenNeeded(joins, kept, Date.now())
    })
    return token === null ? {} : { MAINSTAY_JOIN_TOKEN: token }
  }
  return new RoleProcess({ name, args, logFile: join(context.home.logs, `${name}.log`), env, spawn, greeting, prepare })
}
