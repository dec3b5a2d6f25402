// `mobile api list|show|create|update|delete`: the custom APIs of a mobile service. Their scripts: `mobile script`.
import type { Command } from 'commander'
import type { CustomApiView, ServiceView } from '../contract/api.ts'
import { API_METHODS, levelOf, type RoutePermissions } from '../contract/permissions.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { isSure, needService, needText } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { parseApiPermissions, parseNamedApiPermissions } from './permissions.ts'
import { readScriptFile } from './script-files.ts'

type Flags = CommonFlags & { permissions?: string; file?: string; force?: boolean }
type Given = [string | undefined, string | undefined]

const LIST = 'mainstay mobile api list SERVICE'
const SHOW = 'mainstay mobile api show SERVICE API'
const CREATE = 'mainstay mobile api create SERVICE API'
const UPDATE = 'mainstay mobile api update SERVICE API'
const DELETE = 'mainstay mobile api delete SERVICE API'
const PERMISSIONS = [
  '-p, --permissions <list>',
  'who may call what: get|put|post|patch|delete|*=public|application|user|admin',
] as const

/** Adds the five commands. */
export function addApi(api: Command, shell: Shell): void {
  addCommand(api, {
    usage: 'list [service]',
    about: 'list the custom APIs of a mobile service',
    examples: [LIST],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile api list', flags }, async (session) => {
      const service = await needService(session, given, LIST)
      const apis = await (await session.client()).scripts.listApis(service)
      if (apis.length > 0) return { json: apis, lines: listLines(apis) }
      const command = session.talk.asTyped(`mainstay mobile api create ${service} API`)
      session.talk.info(`No custom APIs created yet. Create one: ${command}`)
      return { json: [] }
    })
  })
  addCommand(api, {
    usage: 'show [service] [api]',
    about: 'show a custom API with its permissions',
    examples: [SHOW],
  }).action(async (...[service, name, flags]: [...Given, CommonFlags]) => {
    await runCommand(shell, { name: 'mobile api show', flags }, async (session) => {
      const names = await needNames(session, [service, name], SHOW)
      const view = await (await session.client()).scripts.getApi(names.service, names.api)
      return { json: view, lines: viewLines(view) }
    })
  })
  addCommand(api, {
    usage: 'create [service] [api]',
    about: 'create a custom API; its script is uploaded with: mobile script upload SERVICE api/API',
    examples: [CREATE, `${CREATE} --permissions get=public,*=user`],
  })
    .option(...PERMISSIONS)
    .action(async (...[service, name, flags]: [...Given, Flags]) => {
      await runCommand(shell, { name: 'mobile api create', flags }, async (session) => {
        return await create(session, [service, name], flags)
      })
    })
  addCommand(api, {
    usage: 'update [service] [api]',
    about: 'change who may call what of a custom API; what is not named stays',
    examples: [`${UPDATE} --permissions get=public`, `${UPDATE} --file api/API.json`],
  })
    .option(...PERMISSIONS)
    .option('--file <file>', 'who may call what, also route by route, as in the JSON file of an API')
    .option('-f, --force', 'give up permissions of routes')
    .action(async (...[service, name, flags]: [...Given, Flags]) => {
      await runCommand(shell, { name: 'mobile api update', flags }, async (session) => {
        return await update(session, [service, name], flags)
      })
    })
  addCommand(api, {
    usage: 'delete [service] [api]',
    about: 'delete a custom API; the versions of its script are kept',
    examples: [`${DELETE} --quiet`],
  }).action(async (...[service, name, flags]: [...Given, CommonFlags]) => {
    await runCommand(shell, { name: 'mobile api delete', flags }, async (session) => {
      return await remove(session, [service, name])
    })
  })
}

async function create(session: Session, given: Given, flags: Flags) {
  const { service, api } = await needNames(session, given, CREATE)
  const permissions = flags.permissions === undefined ? {} : { permissions: parseApiPermissions(flags.permissions) }
  const client = await session.client()
  session.talk.progress('Creating API')
  const { isRunning } = await client.scripts.createApi(service, { name: api, ...permissions })
  tellWhenLost(session, service, isRunning)
  const [view, home] = await Promise.all([client.scripts.getApi(service, api), client.getService(service)])
  const upload = session.talk.asTyped(`mainstay mobile script upload ${service} api/${api}`)
  return { json: view, lines: ['Next', `  write api/${api}.js, and: ${upload}`, `  ${callCurl(home, view)}`] }
}

async function update(session: Session, given: Given, flags: Flags) {
  const { service, api } = await needNames(session, given, UPDATE)
  if (flags.permissions === undefined && flags.file === undefined) {
    throw new Fault('usage.nothing_to_do', 400, 'nothing to change', {
      hint: `Say what: ${UPDATE} --permissions get=public`,
    })
  }
  const client = await session.client()
  const named = flags.permissions === undefined ? {} : parseNamedApiPermissions(flags.permissions)
  const fromFile = flags.file === undefined ? {} : { routes: await readRoutes(flags.file) }
  const wanted = { ...named, ...fromFile, ...(flags.force ? { force: true } : {}) }
  const { isRunning } = await client.scripts.updateApi(service, api, wanted)
  tellWhenLost(session, service, isRunning)
  const view = await client.scripts.getApi(service, api)
  return { json: view, lines: viewLines(view) }
}

async function readRoutes(file: string): Promise<Record<string, unknown>> {
  const hint = 'As { "routes": { "*": { "get": { "permission": "public" } } } }.'
  const text = await readScriptFile(file)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new Fault('usage.bad_permissions', 400, `${file} is no JSON: ${messageOf(error)}`, { hint })
  }
  const { routes } = Object(parsed) as { routes?: unknown }
  if (typeof routes === 'object' && routes !== null) return routes as Record<string, unknown>
  throw new Fault('usage.bad_permissions', 400, `${file} has no routes`, { hint })
}

async function remove(session: Session, given: Given) {
  const { service, api } = await needNames(session, given, DELETE)
  const client = await session.client()
  const view = await client.scripts.getApi(service, api)
  const prompt = `Do you want to delete the API '${view.name}'? Apps that call it will be refused. (y/n): `
  const insteadSay = `Add --quiet to delete without a question: mainstay mobile api delete ${service} ${api} --quiet`
  if (!(await isSure(session, { prompt, insteadSay }))) {
    return { json: { deleted: false } }
  }
  const { isRunning } = await client.scripts.deleteApi(service, api)
  tellWhenLost(session, service, isRunning)
  session.talk.info(`Deleted API ${view.name}; the versions of its script are kept`)
  return { json: { deleted: true, api: view.name } }
}

/** Says so when the change waits for the service's home. */
export function tellWhenLost(session: Session, service: string, isRunning: boolean): void {
  if (!isRunning) session.talk.warn(`It is stored; '${service}' goes by it when its home can be reached again.`)
}

async function needNames(session: Session, [service, api]: Given, usage: string) {
  const question = { prompt: 'API name: ', what: 'the name of the API', insteadSay: `Name the API: ${usage}` }
  return { service: await needService(session, service, usage), api: await needText(session, api, question) }
}

function listLines(apis: CustomApiView[]): string[] {
  const rows = apis.map((one) => [
    one.hasAdditionalPermissions ? `${one.name} *` : one.name,
    ...API_METHODS.map((method) => one.permissions[method]),
    one.script === null ? 'none yet' : `version ${one.script.version}`,
  ])
  const note = '* some of its routes have permissions of their own: mainstay mobile api show SERVICE API'
  const isMarked = apis.some((one) => one.hasAdditionalPermissions)
  return [...tableLines(['Name', ...API_METHODS, 'Script'], rows), ...(isMarked ? [note] : [])]
}

function viewLines(view: CustomApiView): string[] {
  return [
    ...pairLines([
      ['API', view.name],
      ['Script', view.script === null ? 'none yet' : `version ${view.script.version}, ${view.script.bytes} bytes`],
      ['Created', view.createdAt],
    ]),
    'Permissions',
    ...pairLines(API_METHODS.map((method) => [`  ${method}`, view.permissions[method]])),
    ...Object.entries(view.routes ?? {}).flatMap(([route, said]) =>
      route === '*' ? [] : [`Permissions of ${route}`, ...routeLines(said)],
    ),
  ]
}

// What it does not name is for who has the master key.
function routeLines(said: RoutePermissions): string[] {
  return pairLines(API_METHODS.map((method) => [`  ${method}`, levelOf(said, method)]))
}

function callCurl(service: ServiceView, { name }: CustomApiView): string {
  return `curl -H 'X-ZUMO-APPLICATION: ${service.applicationKey}' ${service.pathUrl.replace(/\/+$/, '')}/api/${name}`
}
