// `mobile auth list`, `mobile auth PROVIDER get|set|delete` and `mobile auth aad tenant list|add|delete`: through
// whom the users of a mobile service sign in.
import type { Command } from 'commander'
import type { AuthProviderView, SetAuthProvider } from '../contract/api.ts'
import { KNOWN_PROVIDERS, type KnownProvider } from '../contract/auth-provider.ts'
import { Fault } from '../kit/fault.ts'
import { tellWhenLost } from './api.ts'
import { isSure, needService, needText } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, addGroup, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Text = string | undefined
type SetFlags = CommonFlags & { packageSid?: string; audience?: string; scope?: string; endpoint?: string }

const LIST = 'mainstay mobile auth list SERVICE'
const HIDDEN = '(not shown to readers)'
const ENDPOINT = [
  '--endpoint <url>',
  'reach it there instead: for tests, and where its address can not be reached',
] as const
const AUDIENCE = [
  '--audience <ids>',
  'other client ids whose tokens an app may bring, with commas: those of native clients; empty for none',
] as const
const ABOUT: Record<KnownProvider, string> = {
  facebook: 'sign-in through Facebook',
  twitter: 'sign-in through Twitter',
  google: 'sign-in through Google',
  microsoftaccount: 'sign-in through a Microsoft account',
  aad: 'sign-in through Azure AD (Entra ID)',
}

/** Adds the commands. */
export function addAuth(auth: Command, shell: Shell): void {
  addCommand(auth, {
    usage: 'list [service]',
    about: 'list the providers through which the users of a mobile service sign in',
    examples: [LIST],
  }).action(async (given: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile auth list', flags }, async (session) => {
      const service = await needService(session, given, LIST)
      const providers = await (await session.client()).scripts.listAuthProviders(service)
      if (providers.length === 0) {
        const usage = session.talk.asTyped(`mainstay mobile auth google set ${service} CLIENT-ID CLIENT-SECRET`)
        session.talk.info(`Nobody signs in through a provider yet. Set one up: ${usage}`)
        return { json: [] }
      }
      const rows = providers.map(({ provider, appId, redirectUris }) => [provider, appId, redirectUris.join(' ')])
      return { json: providers, lines: tableLines(['Provider', 'App', 'Redirect URIs'], rows) }
    })
  })
  for (const provider of KNOWN_PROVIDERS) addKnown(addGroup(auth, provider, ABOUT[provider]), shell, provider)
  addOwn(addGroup(auth, 'openid', 'sign-in through an OpenID Connect provider of your own'), shell)
}

function addKnown(group: Command, shell: Shell, provider: KnownProvider): void {
  const usage = `mainstay mobile auth ${provider}`
  addCommand(group, {
    usage: 'get [service]',
    about: `show how ${ABOUT[provider]} is set up`,
    examples: [`${usage} get SERVICE`],
  }).action(async (given: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: `mobile auth ${provider} get`, flags }, async (session) => {
      const service = await needService(session, given, `${usage} get SERVICE`)
      return await show(session, service, provider)
    })
  })
  const set = addCommand(group, {
    usage: 'set [service] [clientId] [clientSecret]',
    about: `set up ${ABOUT[provider]}, or change it`,
    examples: [`${usage} set SERVICE CLIENT-ID CLIENT-SECRET`],
  })
  if (provider === 'microsoftaccount') set.option('--packageSid <sid>', 'package of a Windows app, for single sign-on')
  if (provider !== 'facebook' && provider !== 'twitter') set.option(...AUDIENCE)
  set.option(...ENDPOINT)
  set.action(async (given: Text, id: Text, secret: Text, flags: SetFlags) => {
    await runCommand(shell, { name: `mobile auth ${provider} set`, flags }, async (session) => {
      const service = await needService(session, given, `${usage} set SERVICE CLIENT-ID CLIENT-SECRET`)
      const example = `${usage} set ${service} CLIENT-ID CLIENT-SECRET`
      const client = await needClient(session, { service, provider, id, secret }, example)
      const more = flags.packageSid === undefined ? {} : { packageSid: flags.packageSid }
      return await store(session, service, provider, { ...client, ...optionsOf(flags), ...more })
    })
  })
  addDelete(group, shell, { provider, usage })
  if (provider === 'aad') addTenants(addGroup(group, 'tenant', 'whose people come in'), shell)
}

function addOwn(group: Command, shell: Shell): void {
  const usage = 'mainstay mobile auth openid'
  const SET = `${usage} set SERVICE NAME ISSUER CLIENT-ID CLIENT-SECRET`
  addCommand(group, {
    usage: 'get [service] [name]',
    about: 'show how an own provider is set up',
    examples: [`${usage} get SERVICE NAME`],
  }).action(async (given: Text, name: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile auth openid get', flags }, async (session) => {
      const service = await needService(session, given, `${usage} get SERVICE NAME`)
      return await show(session, service, await needName(session, name, `${usage} get SERVICE NAME`))
    })
  })
  addCommand(group, {
    usage: 'set [service] [name] [issuer] [clientId] [clientSecret]',
    about: 'set an own provider up, or change it; its people are NAME:subject',
    examples: [`${usage} set SERVICE corp https://id.example.com CLIENT-ID CLIENT-SECRET --scope "email profile"`],
  })
    .option('--scope <words>', 'permissions that are asked for beside openid')
    .option(...AUDIENCE)
    .action(async (given: Text, name: Text, issuer: Text, id: Text, secret: Text, flags: SetFlags) => {
      await runCommand(shell, { name: 'mobile auth openid set', flags }, async (session) => {
        const service = await needService(session, given, SET)
        const provider = await needName(session, name, SET)
        requireOwn(provider, `set ${service} CLIENT-ID CLIENT-SECRET`)
        const question = { prompt: 'Issuer: ', what: 'the issuer', insteadSay: `Name it: ${SET}` }
        const url = await needText(session, issuer, question)
        const client = await needClient(session, { service, provider, id, secret }, SET)
        return await store(session, service, provider, { issuer: url, ...client, ...optionsOf(flags) })
      })
    })
  addDelete(group, shell, { provider: null, usage })
}

function addDelete(
  group: Command,
  shell: Shell,
  { provider, usage }: { provider: string | null; usage: string },
): void {
  const words = provider === null ? 'delete SERVICE NAME' : 'delete SERVICE'
  const run = async (given: Text, named: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: `${usage.replace('mainstay ', '')} delete`, flags }, async (session) => {
      const service = await needService(session, given, `${usage} ${words}`)
      const name = provider ?? (await needName(session, named, `${usage} ${words}`))
      if (provider === null) requireOwn(name, `delete ${service}`)
      const prompt = `Do you want to delete the provider '${name}'? Nobody signs in through it then. (y/n): `
      const insteadSay = `Add --quiet to delete without a question: ${usage} ${words} --quiet`
      if (!(await isSure(session, { prompt, insteadSay }))) {
        return { json: { deleted: false } }
      }
      const { isRunning } = await (await session.client()).scripts.deleteAuthProvider(service, name)
      tellWhenLost(session, service, isRunning)
      session.talk.info(`Deleted provider ${name}; tokens that it led to stay valid until they run out`)
      return { json: { deleted: true, provider: name } }
    })
  }
  const about = { about: 'delete the provider', examples: [`${usage} ${words} --quiet`] }
  if (provider === null) addCommand(group, { usage: 'delete [service] [name]', ...about }).action(run)
  else {
    const command = addCommand(group, { usage: 'delete [service]', ...about })
    command.action(async (given: Text, flags: CommonFlags) => await run(given, undefined, flags))
  }
}

function addTenants(group: Command, shell: Shell): void {
  const usage = 'mainstay mobile auth aad tenant'
  addCommand(group, {
    usage: 'list [service]',
    about: 'list the tenants whose people come in',
    examples: [`${usage} list SERVICE`],
  }).action(async (given: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile auth aad tenant list', flags }, async (session) => {
      const service = await needService(session, given, `${usage} list SERVICE`)
      const { tenants } = await find(session, service, 'aad')
      if (!tenants?.length) {
        session.talk.info(
          `Nobody comes in yet. Add a tenant: ${session.talk.asTyped(`${usage} add ${service} TENANT`)}`,
        )
      }
      return { json: tenants ?? [], lines: tenants ?? [] }
    })
  })
  for (const { word, about, change } of [
    { word: 'add', about: 'let the people of a tenant in', change: (all: string[], one: string) => [...all, one] },
    {
      word: 'delete',
      about: 'do not let the people of a tenant in any more',
      change: (all: string[], one: string) => all.filter((tenant) => tenant.toLowerCase() !== one.toLowerCase()),
    },
  ]) {
    const example = `${usage} ${word} SERVICE contoso.onmicrosoft.com`
    addCommand(group, { usage: `${word} [service] [tenant]`, about, examples: [example] }).action(
      async (given: Text, tenant: Text, flags: CommonFlags) => {
        await runCommand(shell, { name: `mobile auth aad tenant ${word}`, flags }, async (session) => {
          const service = await needService(session, given, example)
          const question = { prompt: 'Tenant: ', what: 'the tenant', insteadSay: `Name it: ${example}` }
          const wanted = await needText(session, tenant, question)
          const { tenants } = await find(session, service, 'aad')
          const known = (tenants ?? []).some((one) => one.toLowerCase() === wanted.toLowerCase())
          if (known === (word === 'add')) {
            throw new Fault(
              known ? 'usage.bad_option' : 'auth_provider.unknown',
              known ? 400 : 404,
              known ? `the tenant '${wanted}' is there already` : `there is no tenant '${wanted}'`,
              { hint: `See which there are: ${usage} list ${service}` },
            )
          }
          return await store(session, service, 'aad', { tenants: change(tenants ?? [], wanted) })
        })
      },
    )
  }
}

async function find(session: Session, service: string, provider: string): Promise<AuthProviderView> {
  const providers = await (await session.client()).scripts.listAuthProviders(service)
  const found = providers.find((one) => one.provider === provider.toLowerCase())
  if (found) return found
  throw new Fault('auth_provider.unknown', 404, `'${service}' has no provider '${provider}'`, {
    hint: `See which there are: mainstay mobile auth list ${service}`,
  })
}

async function show(session: Session, service: string, provider: string) {
  const found = await find(session, service, provider)
  return { json: found, lines: linesOf(found) }
}

async function store(session: Session, service: string, provider: string, request: SetAuthProvider) {
  const { isRunning } = await (await session.client()).scripts.setAuthProvider(service, provider, request)
  tellWhenLost(session, service, isRunning)
  const found = await find(session, service, provider)
  session.talk.info(`Sign-in through ${found.provider} is set up; enter one of these redirect URIs there`)
  return { json: found, lines: found.redirectUris }
}

function linesOf(view: AuthProviderView): string[] {
  const { provider, appId, secret, audiences, packageSid, tenants, issuer, scope, endpoint, redirectUris } = view
  return pairLines([
    ['provider', provider],
    ['appId', appId],
    ['secret', secret === '' ? 'none: a public client' : (secret ?? HIDDEN)],
    ['issuer', issuer],
    ['tenants', tenants && (tenants.join(' ') || 'none: nobody comes in')],
    ['scope', scope],
    ['audiences', audiences.join(' ') || null],
    ['packageSid', packageSid],
    ['endpoint', endpoint],
    ...redirectUris.map((uri): [string, string] => ['redirectUri', uri]),
  ])
}

function optionsOf({ audience, scope, endpoint }: SetFlags): SetAuthProvider {
  return {
    ...(audience === undefined
      ? {}
      : {
          audiences: audience
            .split(',')
            .map((id) => id.trim())
            .filter((id) => id !== ''),
        }),
    ...(scope === undefined ? {} : { scope }),
    ...(endpoint === undefined ? {} : { endpoint: endpoint.replace(/\/$/, '') }),
  }
}

function requireOwn(provider: string, rest: string): void {
  const name = provider.toLowerCase()
  if (!KNOWN_PROVIDERS.some((one) => one === name)) return
  throw new Fault('usage.bad_option', 400, `'${provider}' is not an own provider`, {
    hint: `Use: mainstay mobile auth ${name} ${rest}`,
  })
}

// What is left out of one that is set up stays. The secret is asked for unseen: what is typed as an argument stays in
// the history of the shell.
async function needClient(
  session: Session,
  { service, provider, id, secret }: { service: string; provider: string; id: Text; secret: Text },
  usage: string,
): Promise<{ appId?: string; secret?: string }> {
  const insteadSay = `Name both: ${usage}`
  const all = await (await session.client()).scripts.listAuthProviders(service)
  if (all.some((one) => one.provider === provider.toLowerCase())) {
    return { ...(id === undefined ? {} : { appId: id }), ...(secret === undefined ? {} : { secret }) }
  }
  const appId = await needText(session, id, { prompt: 'Client id: ', what: 'the client id', insteadSay })
  const asked =
    secret ?? (session.flags.quiet ? '' : await session.answers.askSecret({ prompt: 'Client secret: ', insteadSay }))
  if (asked !== '') return { appId, secret: asked }
  // A public client: it has none.
  if (provider === 'aad') return { appId }
  throw new Fault('usage.name_missing', 400, 'the client secret must be specified', { hint: insteadSay })
}

async function needName(session: Session, given: Text, usage: string): Promise<string> {
  return await needText(session, given, {
    prompt: 'Name of the provider: ',
    what: 'the name of the provider',
    insteadSay: `Name it: ${usage}`,
  })
}
