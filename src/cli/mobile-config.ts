// `mobile config list|get|set`: the settings of a mobile service, by their names.
import type { Command } from 'commander'
import type { ServiceSettings } from '../contract/api.ts'
import { BODY_KB_MAX, HSTS_SECONDS_MAX } from '../contract/assignment.ts'
import { LOGIN_REDIRECT } from '../contract/auth-provider.ts'
import { Fault } from '../kit/fault.ts'
import { tellWhenLost } from './api.ts'
import { needService, needText, wholeNumber } from './asking.ts'
import { tableLines } from './columns.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { durationOf, durationText } from './duration.ts'
import { ORIGINAL_SETTINGS, type OriginalSetting, readElsewhere, setOriginal } from './original-settings.ts'

/** A setting as people see it: its name, its text, and what a text says. */
type Setting = {
  key: string
  about: string
  show: (settings: ServiceSettings) => string
  parse: (text: string) => Partial<ServiceSettings>
}

/** What stands for an empty list of pages. */
const NOBODY = 'nobody'
/** And for one of URLs. */
const NOWHERE = 'nowhere'

/** In the original's words. */
const NOT_SET = 'Not configured'

const SETTINGS: Setting[] = [
  {
    key: 'dynamicSchemaEnabled',
    about: 'writes may add columns',
    show: ({ isSchemaDynamic }) => String(isSchemaDynamic),
    parse: (text) => ({ isSchemaDynamic: truthOf('dynamicSchemaEnabled', text) }),
  },
  {
    key: 'applicationKeyRequired',
    about: 'the application key is asked of clients of the second generation, too, which know none',
    show: ({ isKeyRequired }) => String(isKeyRequired),
    parse: (text) => ({ isKeyRequired: truthOf('applicationKeyRequired', text) }),
  },
  {
    key: 'crossDomainWhitelist',
    about: 'host names of pages that may call it, with commas; one * each, null for pages of files',
    show: ({ crossDomainWhitelist: hosts }) => (hosts.length === 0 ? NOBODY : hosts.join(',')),
    parse: (text) => ({ crossDomainWhitelist: hostsOf(text) }),
  },
  {
    key: 'requireHttps',
    about: 'plain HTTP is refused',
    show: ({ isHttpsRequired }) => String(isHttpsRequired),
    parse: (text) => ({ isHttpsRequired: truthOf('requireHttps', text) }),
  },
  {
    key: 'httpsRedirect',
    about: 'gateways send plain HTTP to HTTPS',
    show: ({ isHttpsRedirected }) => String(isHttpsRedirected),
    parse: (text) => ({ isHttpsRedirected: truthOf('httpsRedirect', text) }),
  },
  {
    key: 'hstsMaxAge',
    about: 'for how many seconds browsers are to come by HTTPS only; 0: they are told nothing',
    show: ({ hstsSeconds }) => String(hstsSeconds),
    parse: (text) => ({ hstsSeconds: wholeNumber('hstsMaxAge', text, { min: 0, max: HSTS_SECONDS_MAX }) }),
  },
  {
    key: 'bodyLimitKB',
    about: 'the largest body of a request, in KiB',
    show: ({ bodyKb }) => String(bodyKb),
    parse: (text) => ({ bodyKb: wholeNumber('bodyLimitKB', text, { min: 1, max: BODY_KB_MAX }) }),
  },
  {
    key: 'loginRedirectUrls',
    about: 'URLs to which the result of a sign-in may be handed over, with commas; each with all below it',
    show: ({ loginRedirects }) => (loginRedirects.length === 0 ? NOWHERE : loginRedirects.join(',')),
    parse: (text) => ({ loginRedirects: redirectsOf(text) }),
  },
  {
    key: 'recovery.lossMax',
    about: 'a recovery that is predicted to lose more is refused until it is accepted',
    show: ({ lossMsMax }) => durationText(lossMsMax),
    parse: (text) => ({ lossMsMax: durationOf(text, 'recovery.lossMax takes a duration') }),
  },
]

const USAGE_GET = 'mainstay mobile config get SERVICE recovery.lossMax'
const USAGE_SET = 'mainstay mobile config set SERVICE recovery.lossMax 5m'

/** Adds the three commands. */
export function addMobileConfig(config: Command, shell: Shell): void {
  addCommand(config, {
    usage: 'list [service]',
    about: 'list the settings of a mobile service',
    examples: ['mainstay mobile config list PrimaryService'],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile config list', flags }, async (session) => {
      const service = await needService(session, given, 'mainstay mobile config list SERVICE')
      const found = await (await session.client()).getSettings(service)
      const elsewhere = await readElsewhere(session, service)
      const rows = [
        ...SETTINGS.map(({ key, about, show }) => [key, show(found), about]),
        ...ORIGINAL_SETTINGS.map(({ key, about, show }) => [key, show(elsewhere) ?? NOT_SET, about]),
      ]
      const others = Object.fromEntries(ORIGINAL_SETTINGS.map(({ key, show }) => [key, show(elsewhere)]))
      return { json: { ...jsonOf(found), ...others }, lines: tableLines(['Setting', 'Value', 'Meaning'], rows) }
    })
  })
  addCommand(config, {
    usage: 'get [service] [key]',
    about: 'show one setting of a mobile service',
    examples: [USAGE_GET],
  }).action(async (given: string | undefined, key: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile config get', flags }, async (session) => {
      const service = await needService(session, given, USAGE_GET)
      const setting = await needSetting(session, key, USAGE_GET)
      if ('kind' in setting) return await showOriginal(session, service, setting)
      const found = await (await session.client()).getSettings(service)
      return { json: { [setting.key]: jsonOf(found)[setting.key] }, lines: [setting.show(found)] }
    })
  })
  addCommand(config, {
    usage: 'set [service] [key] [value]',
    about: 'change one setting of a mobile service',
    examples: [USAGE_SET, 'mainstay mobile config set SERVICE dynamicSchemaEnabled false'],
  })
    .option(...DRY_RUN)
    .action(
      async (
        given: string | undefined,
        key: string | undefined,
        value: string | undefined,
        flags: CommonFlags & DryRunFlag,
      ) => {
        await runCommand(shell, { name: 'mobile config set', flags }, async (session) => {
          const service = await needService(session, given, USAGE_SET)
          const setting = await needSetting(session, key, USAGE_SET)
          if ('kind' in setting) return await changeOriginal(session, { service, setting, value, flags })
          const question = { prompt: 'Value: ', what: 'the value', insteadSay: `Name it: ${USAGE_SET}` }
          const wanted = setting.parse(await needText(session, value, question))
          const client = await session.client()
          if (flags.dryRun) return tellDryRun(session, await client.planSettings(service, wanted))
          const found = await client.setSettings(service, wanted)
          return { json: jsonOf(found), lines: [`${setting.key} ${setting.show(found)}`] }
        })
      },
    )
}

async function showOriginal(session: Session, service: string, setting: OriginalSetting): Promise<Result> {
  const text = setting.show(await readElsewhere(session, service))
  if (text === null) session.talk.warn('Setting is not configured')
  return { json: { [setting.key]: text }, ...(text === null ? {} : { lines: [text] }) }
}

async function changeOriginal(
  session: Session,
  given: { service: string; setting: OriginalSetting; value: string | undefined; flags: DryRunFlag },
): Promise<Result> {
  const { service, setting, flags } = given
  if (flags.dryRun) {
    throw new Fault('usage.bad_option', 400, `${setting.key} has no --dry-run`, { hint: `Leave it out: ${USAGE_SET}` })
  }
  const { isRunning } = await setOriginal(session, given)
  tellWhenLost(session, service, isRunning)
  return await showOriginal(session, service, setting)
}

async function needSetting(
  session: Session,
  given: string | undefined,
  usage: string,
): Promise<Setting | OriginalSetting> {
  const key = await needText(session, given, {
    prompt: 'Setting: ',
    what: 'the setting',
    insteadSay: `Name it: ${usage}`,
  })
  const all = [...SETTINGS, ...ORIGINAL_SETTINGS]
  const found = all.find((setting) => setting.key.toLowerCase() === key.toLowerCase())
  if (found) return found
  throw new Fault('usage.bad_option', 400, `there is no setting '${key}'`, {
    hint: `There are ${all.map((setting) => setting.key).join(', ')}.`,
  })
}

function hostsOf(text: string): string[] {
  const hosts = text.split(',').map((host) => host.trim())
  if (text.trim().toLowerCase() === NOBODY) return []
  const bad = hosts.find((host) => !/^[A-Za-z0-9.[\]:-]*\*?[A-Za-z0-9.[\]:-]*$/.test(host) || host === '')
  if (bad === undefined) return hosts
  throw new Fault('usage.bad_option', 400, `'${bad}' is no host name of a page`, {
    hint: `Write host names without port, as in: app.example.com,*.example.org; or ${NOBODY}.`,
  })
}

function redirectsOf(text: string): string[] {
  if (text.trim().toLowerCase() === NOWHERE) return []
  const urls = text.split(',').map((url) => url.trim())
  const bad = urls.find((url) => !new RegExp(LOGIN_REDIRECT).test(url))
  if (bad === undefined) return urls
  throw new Fault('usage.bad_option', 400, `a sign-in can not be handed over to '${bad}'`, {
    hint: `Write URLs as in: https://app.example.com/done,myapp://signed-in; or ${NOWHERE}.`,
  })
}

function truthOf(key: string, text: string): boolean {
  const word = text.trim().toLowerCase()
  if (word === 'true' || word === 'false') return word === 'true'
  throw new Fault('usage.bad_option', 400, `${key} takes true or false, not '${text}'`, {
    hint: USAGE_SET.replace('recovery.lossMax 5m', `${key} false`),
  })
}

function jsonOf(settings: ServiceSettings): Record<string, boolean | string | number | string[]> {
  return {
    dynamicSchemaEnabled: settings.isSchemaDynamic,
    applicationKeyRequired: settings.isKeyRequired,
    crossDomainWhitelist: settings.crossDomainWhitelist,
    requireHttps: settings.isHttpsRequired,
    httpsRedirect: settings.isHttpsRedirected,
    hstsMaxAge: settings.hstsSeconds,
    bodyLimitKB: settings.bodyKb,
    loginRedirectUrls: settings.loginRedirects,
    'recovery.lossMax': durationText(settings.lossMsMax),
  }
}
