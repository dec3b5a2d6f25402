// `mobile domain list|add|delete` and `mobile domain ssl show|enable|disable`: host names of a mobile service's own.
import type { Command } from 'commander'
import type { DomainView } from '../contract/api.ts'
import { isSure, needService, needText } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { followSteps } from './follow.ts'

type Text = string | undefined

const LIST = 'mainstay mobile domain list SERVICE'
const ADD = 'mainstay mobile domain add SERVICE api.example.com'
const DELETE = 'mainstay mobile domain delete SERVICE api.example.com'
const SHOW = 'mainstay mobile domain ssl show SERVICE api.example.com'
const ENABLE = 'mainstay mobile domain ssl enable SERVICE api.example.com THUMBPRINT'
const ISSUE = 'mainstay mobile domain ssl enable SERVICE api.example.com --acme'
const DISABLE = 'mainstay mobile domain ssl disable SERVICE api.example.com'

/** Adds list, add and delete. */
export function addDomain(group: Command, shell: Shell): void {
  addCommand(group, {
    usage: 'list [service]',
    about: 'list the host names of a mobile service',
    examples: [LIST],
  }).action(async (given: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile domain list', flags }, async (session) => {
      const service = await needService(session, given, LIST)
      const domains = await (await session.client()).domains.list(service)
      const rows = domains.map((one) => [one.name, httpsText(one), one.thumbprint ?? '', one.expiresAt ?? ''])
      // As the original had it: names, and nothing else.
      return {
        json: domains.map(({ name }) => name),
        lines: tableLines(['Domain', 'HTTPS', 'Thumbprint', 'Expires'], rows),
      }
    })
  })
  addCommand(group, {
    usage: 'add [service] [domain]',
    about: 'give a mobile service a host name of its own',
    examples: [ADD],
  }).action(async (given: Text, name: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile domain add', flags }, async (session) => {
      const service = await needService(session, given, ADD)
      const domain = await needDomain(session, name, ADD)
      const added = await (await session.client()).domains.add(service, domain)
      session.talk.info(`Domain ${added.name} belongs to ${service}`)
      const enable = session.talk.asTyped(`mainstay mobile domain ssl enable ${service} ${added.name} THUMBPRINT`)
      const lines = ['Next', '  have the name lead to your gateways, with its DNS record', `  for HTTPS: ${enable}`]
      return { json: added, lines }
    })
  })
  addCommand(group, {
    usage: 'delete [service] [domain]',
    about: 'take a host name away from a mobile service',
    examples: [`${DELETE} --quiet`],
  }).action(async (given: Text, name: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile domain delete', flags }, async (session) => {
      const service = await needService(session, given, DELETE)
      const domain = await needDomain(session, name, DELETE)
      const prompt = `Do you want to delete the domain '${domain}'? Apps that use it get no answer any more. (y/n): `
      if (
        !(await isSure(session, { prompt, insteadSay: `Add --quiet to do it without a question: ${DELETE} --quiet` }))
      )
        return { json: { deleted: false } }
      await (await session.client()).domains.delete(service, domain)
      session.talk.info(`Deleted domain ${domain}`)
      return { json: { deleted: true, name: domain } }
    })
  })
}

/** Adds show, enable and disable. */
export function addDomainSsl(group: Command, shell: Shell): void {
  addCommand(group, {
    usage: 'show [service] [domain]',
    about: 'show which certificate a domain has',
    examples: [SHOW],
  }).action(async (given: Text, name: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile domain ssl show', flags }, async (session) => {
      const service = await needService(session, given, SHOW)
      const domain = await needDomain(session, name, SHOW)
      return stateOf(await (await session.client()).domains.getSsl(service, domain))
    })
  })
  addCommand(group, {
    usage: 'enable [service] [domain] [thumbprint]',
    about: 'answer a domain by HTTPS, with a certificate of the mobile service',
    examples: [ENABLE, ISSUE],
  })
    .option('--acme', 'have a certificate issued, and renewed, by the authority of this cloud')
    .action(async (given: Text, name: Text, print: Text, flags: CommonFlags & { acme?: boolean }) => {
      await runCommand(shell, { name: 'mobile domain ssl enable', flags }, async (session) => {
        const service = await needService(session, given, ENABLE)
        const domain = await needDomain(session, name, ENABLE)
        if (flags.acme) return await issue(session, service, domain)
        const thumbprint = await needThumbprint(session, print, ENABLE)
        const enabled = await (await session.client()).domains.enableSsl(service, domain, thumbprint)
        session.talk.info(`HTTPS is enabled for ${enabled.name}`)
        return stateOf(enabled)
      })
    })
  addCommand(group, {
    // The original wanted the thumbprint here as well; it says nothing new.
    usage: 'disable [service] [domain] [thumbprint]',
    about: 'show no certificate for a domain any more',
    examples: [`${DISABLE} --quiet`],
  }).action(async (given: Text, name: Text, _print: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile domain ssl disable', flags }, async (session) => {
      const service = await needService(session, given, DISABLE)
      const domain = await needDomain(session, name, DISABLE)
      const prompt = `Do you want to disable HTTPS for '${domain}'? (y/n): `
      if (
        !(await isSure(session, { prompt, insteadSay: `Add --quiet to do it without a question: ${DISABLE} --quiet` }))
      )
        return { json: { disabled: false } }
      await (await session.client()).domains.disableSsl(service, domain)
      session.talk.info(`HTTPS is disabled for ${domain}`)
      return { json: { disabled: true, name: domain } }
    })
  })
}

async function issue(session: Session, service: string, domain: string): Promise<Result> {
  const client = await session.client()
  await followSteps(session, client, await client.domains.issue(service, domain))
  session.talk.info(`HTTPS is enabled for ${domain}; its certificate is renewed by itself`)
  return stateOf(await client.domains.getSsl(service, domain))
}

/** The name of a domain. */
export async function needDomain(session: Session, given: Text, usage: string): Promise<string> {
  const question = { prompt: 'Domain: ', what: 'the domain', insteadSay: `Name it: ${usage}` }
  return await needText(session, given, question)
}

/** The thumbprint of a certificate. */
export async function needThumbprint(session: Session, given: Text, usage: string): Promise<string> {
  const question = { prompt: 'Certificate thumbprint: ', what: 'the thumbprint', insteadSay: `Name it: ${usage}` }
  return await needText(session, given, question)
}

function httpsText({ sslState, isIssued, isOwn }: DomainView): string {
  if (!isOwn) return 'as the gateway has it'
  if (isIssued) return sslState === null ? 'being issued' : 'enabled, issued'
  return sslState === null ? 'disabled' : 'enabled'
}

// With --json as the original had it: what is not, is left out.
function stateOf(view: DomainView): Result {
  const { name, sslState, thumbprint, expiresAt, isIssued, issueProblem, issueDueAt } = view
  return {
    json: {
      name,
      ...(sslState === null ? {} : { sslState, thumbprint, expiresAt }),
      ...(isIssued ? { isIssued, issueProblem, issueDueAt } : {}),
    },
    lines: pairLines([
      ['domain', name],
      ['https', httpsText(view)],
      ['thumbprint', thumbprint],
      ['expires', expiresAt],
      ['not issued', issueProblem],
      ['next try', issueProblem === null ? null : issueDueAt],
    ]),
  }
}
