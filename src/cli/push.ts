// `mobile push show|log|permission` and `mobile push wns|apns|gcm|webpush|mpns get|set|delete`: with what a mobile service
// pushes notifications to devices. Secrets go in, and are never printed.
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { PushSendView, PushView, SetPushPlatform } from '../contract/api.ts'
import { PERMISSION_LEVELS } from '../contract/permissions.ts'
import { MPNS_RETIRED, type PushPlatform } from '../contract/push.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { PUSH_SENDS_SHOWN_MAX } from '../kit/limits.ts'
import { tellWhenLost } from './api.ts'
import { isSure, needService, needText, wholeNumber } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Text = string | undefined
type SetFlags = CommonFlags & {
  endpoint?: string
  keyId?: string
  teamId?: string
  topic?: string
  password?: string
  publicKey?: string
  privateKey?: string
  renew?: boolean
}
type PlatformWords = {
  platform: PushPlatform
  name: string
  usage: string
  about: string
  examples: string[]
  /** What is to be set, from what was typed. */
  read: (session: Session, service: string, given: Text[], flags: SetFlags) => Promise<SetPushPlatform>
}

const SHOW = 'mainstay mobile push show SERVICE'
const LOG = 'mainstay mobile push log SERVICE'
const PERMISSION = 'mainstay mobile push permission SERVICE user'
const TOP_USUAL = 10
const CERTIFICATE = /\.(?:p12|pfx|cer|crt)$/i
const ENDPOINT_HELP = 'the platform at another place, as http://127.0.0.1:9000; none: its own again'

const SET_WNS = 'mainstay mobile push wns set SERVICE CLIENT_SECRET ms-app://S-1-15-2-…'
const SET_APNS = 'mainstay mobile push apns set SERVICE production AuthKey.p8'
const SET_GCM = 'mainstay mobile push gcm set SERVICE service-account.json'
const SET_WEB = 'mainstay mobile push webpush set SERVICE mailto:you@example.com'

const WORDS: PlatformWords[] = [
  {
    platform: 'wns',
    name: 'WNS',
    usage: 'set [service] [clientSecret] [packageSid]',
    about: 'set the client secret and the package SID of a Windows app',
    examples: [SET_WNS],
    read: async (session, _service, given, _flags) => {
      // The original had the secret first; some write it the other way around.
      const isTurned = /^ms-app:/i.test(given[0] ?? '')
      const [secret, sid] = isTurned ? [given[1], given[0]] : [given[0], given[1]]
      const ask = async (value: Text, prompt: string, what: string) =>
        await needText(session, value, { prompt, what, insteadSay: `Name it: ${SET_WNS}` })
      return {
        clientSecret: await ask(secret, 'Client secret: ', 'the client secret'),
        packageSid: await ask(sid, 'Package SID: ', 'the package SID'),
      }
    },
  },
  {
    platform: 'apns',
    name: 'APNs',
    usage: 'set [service] [mode] [file]',
    about: 'set the key (.p8) of an iOS app; mode is sandbox or production',
    examples: [`${SET_APNS} --key-id ABCDE12345 --team-id FGHIJ67890 --topic com.example.app`],
    read: async (session, service, given, flags) => await readApns(session, service, given, flags),
  },
  {
    platform: 'gcm',
    name: 'FCM',
    usage: 'set [service] [file]',
    about: 'set the service account (JSON) of a Firebase project, for Android apps',
    examples: [SET_GCM],
    read: async (session, _service, given, _flags) => {
      const question = { prompt: 'File of the service account: ', what: 'the file', insteadSay: `Name it: ${SET_GCM}` }
      const file = await needText(session, given[0], question)
      if (/^AIza[\w-]{30,}$|^AAAA[\w:-]{30,}$/.test(file)) {
        throw new Fault('push.bad_settings', 400, 'this is a server key: Google does not take those any more', {
          hint: `Give the JSON file of a service account of the Firebase project: ${SET_GCM}`,
        })
      }
      return { serviceAccount: await readText(file) }
    },
  },
  {
    platform: 'webpush',
    name: 'Web Push',
    usage: 'set [service] [subject]',
    about: 'set whom operators of browsers may write to; keys are made here, unless they are given',
    examples: [SET_WEB, `${SET_WEB} --renew`],
    read: async (session, service, given, flags) => {
      const before = await platformOf(session, service, 'webpush')
      const question = { prompt: 'Subject (mailto:…): ', what: 'the subject', insteadSay: `Name it: ${SET_WEB}` }
      const subject = given[0] ?? before.facts.subject ?? (await needText(session, given[0], question))
      const { publicKey, privateKey, renew } = flags
      return {
        subject,
        ...(publicKey === undefined ? {} : { publicKey }),
        ...(privateKey === undefined ? {} : { privateKey }),
        ...(renew === true ? { isRenewed: true } : {}),
      }
    },
  },
]

/** Adds all commands. */
export function addPush(group: Command, shell: Shell): void {
  addShow(group, shell)
  addLog(group, shell)
  addPermission(group, shell)
  for (const words of WORDS) addPlatform(group.command(words.platform).description(words.name), shell, words)
  addMpns(group.command('mpns').description('MPNS: retired'), shell)
}

function addShow(group: Command, shell: Shell): void {
  addCommand(group, {
    usage: 'show [service]',
    about: 'show what push is set up with, and how many devices there are',
    examples: [SHOW],
  }).action(async (given: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile push show', flags }, async (session) => {
      const service = await needService(session, given, SHOW)
      const view = await (await session.client()).push.show(service)
      return { json: view, lines: viewLines(view) }
    })
  })
}

function addLog(group: Command, shell: Shell): void {
  addCommand(group, {
    usage: 'log [service]',
    about: 'show how the newest messages to tags went',
    examples: [LOG, `${LOG} --top 50`],
  })
    .option('-p, --top <count>', `how many (default ${TOP_USUAL})`)
    .action(async (given: Text, flags: CommonFlags & { top?: string }) => {
      await runCommand(shell, { name: 'mobile push log', flags }, async (session) => {
        const service = await needService(session, given, LOG)
        const limits = { min: 1, max: PUSH_SENDS_SHOWN_MAX }
        const top = flags.top === undefined ? TOP_USUAL : wholeNumber('--top', flags.top, limits)
        const sends = await (await session.client()).push.listSends(service, top)
        if (sends.length === 0) session.talk.info('No messages to tags yet')
        return { json: sends, ...(sends.length > 0 ? { lines: sendLines(sends) } : {}) }
      })
    })
}

function addPermission(group: Command, shell: Shell): void {
  addCommand(group, {
    usage: 'permission [service] [level]',
    about: `set who may register devices: ${PERMISSION_LEVELS.join(', ')}`,
    examples: [PERMISSION],
  }).action(async (given: Text, level: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile push permission', flags }, async (session) => {
      const service = await needService(session, given, PERMISSION)
      const question = { prompt: 'Who may register: ', what: 'who may register', insteadSay: `Name it: ${PERMISSION}` }
      const word = (await needText(session, level, question)).toLowerCase()
      const permission = PERMISSION_LEVELS.find((one) => one === word)
      if (!permission) {
        throw new Fault('usage.bad_option', 400, `'${word}' is no permission`, {
          hint: `There are ${PERMISSION_LEVELS.join(', ')}.`,
        })
      }
      const { isRunning } = await (await session.client()).push.setPermission(service, { permission })
      tellWhenLost(session, service, isRunning)
      session.talk.info(`Devices are registered by: ${permission}`)
      return { json: { permission, isRunning } }
    })
  })
}

function addPlatform(group: Command, shell: Shell, words: PlatformWords): void {
  const { platform, name } = words
  const usage = (verb: string) => `mainstay mobile push ${platform} ${verb} SERVICE`
  addCommand(group, {
    usage: 'get [service]',
    about: `show what ${name} is set up with; secrets as their fingerprints`,
    examples: [usage('get')],
  }).action(async (given: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: `mobile push ${platform} get`, flags }, async (session) => {
      const service = await needService(session, given, usage('get'))
      const found = await platformOf(session, service, platform)
      if (!found.isSet)
        session.talk.info(`${name} is not set up. Set it: ${session.talk.asTyped(words.examples[0] ?? '')}`)
      return { json: found, ...(found.isSet ? { lines: pairLines(Object.entries(found.facts)) } : {}) }
    })
  })
  const set = addCommand(group, { usage: words.usage, about: words.about, examples: words.examples }).option(
    '--endpoint <url>',
    ENDPOINT_HELP,
  )
  if (platform === 'apns') {
    set
      .option('--key-id <id>', 'the id of the key')
      .option('--team-id <id>', 'the id of the team')
      .option('--topic <bundle>', 'the bundle id of the app')
      .option('-p, --password <password>', 'of a certificate; those are not used any more')
  }
  if (platform === 'webpush') {
    set
      .option('--renew', 'make new keys: browsers have to subscribe again')
      .option('--public-key <key>', 'a key of yours, base64url')
      .option('--private-key <key>', 'and its private key')
  }
  set.action(async (given: Text, ...rest: unknown[]) => {
    const count = words.usage.split('[').length - 2
    const values = rest.slice(0, count) as Text[]
    const flags = rest[count] as SetFlags
    await runCommand(shell, { name: `mobile push ${platform} set`, flags }, async (session) => {
      const service = await needService(session, given, words.examples[0] ?? '')
      const endpoint =
        flags.endpoint === undefined ? {} : { endpoint: flags.endpoint === 'none' ? null : flags.endpoint }
      const wanted = { ...(await words.read(session, service, values, flags)), ...endpoint }
      const { isRunning } = await (await session.client()).push.set(service, platform, wanted)
      tellWhenLost(session, service, isRunning)
      const found = await platformOf(session, service, platform)
      session.talk.info(`${name} is set up`)
      return { json: { ...found, isRunning }, lines: pairLines(Object.entries(found.facts)) }
    })
  })
  addCommand(group, {
    usage: 'delete [service]',
    about: `remove the credentials of ${name}; devices stay registered`,
    examples: [`${usage('delete')} --quiet`],
  }).action(async (given: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: `mobile push ${platform} delete`, flags }, async (session) => {
      return await remove(session, { given, words, usage: usage('delete') })
    })
  })
}

async function remove(
  session: Session,
  { given, words, usage }: { given: Text; words: PlatformWords; usage: string },
): Promise<Result> {
  const { platform, name } = words
  const service = await needService(session, given, usage)
  const prompt = `Nothing will be pushed to ${name} any more. Delete its credentials? (y/n): `
  const insteadSay = `Add --quiet to delete without a question: ${usage} --quiet`
  if (!(await isSure(session, { prompt, insteadSay }))) {
    return { json: { deleted: false } }
  }
  const { isRunning } = await (await session.client()).push.delete(service, platform)
  tellWhenLost(session, service, isRunning)
  session.talk.info(`Deleted the credentials of ${name}`)
  return { json: { deleted: true, platform, isRunning } }
}

// Scripts and fingers of old still know it.
function addMpns(group: Command, shell: Shell): void {
  const example = 'mainstay mobile push wns set SERVICE'
  addCommand(group, { usage: 'get [service]', about: 'says why there is none', examples: [SHOW] }).action(
    async (_given: Text, flags: CommonFlags) => {
      await runCommand(shell, { name: 'mobile push mpns get', flags }, async (session) => {
        session.talk.info(MPNS_RETIRED)
        return { json: { platform: 'mpns', isSet: false, isRetired: true } }
      })
    },
  )
  for (const verb of ['set', 'delete']) {
    addCommand(group, { usage: `${verb} [service] [rest...]`, about: 'says why there is none', examples: [example] })
      .option('-p, --password <password>', 'of a certificate')
      .action(async (_given: Text, _rest: string[], flags: CommonFlags) => {
        await runCommand(shell, { name: `mobile push mpns ${verb}`, flags }, async () => {
          throw new Fault('push.retired', 400, MPNS_RETIRED, { hint: `For Windows apps: ${example}` })
        })
      })
  }
}

async function readApns(session: Session, service: string, given: Text[], flags: SetFlags): Promise<SetPushPlatform> {
  const ask = async (value: Text, prompt: string, what: string) =>
    await needText(session, value, { prompt, what, insteadSay: `Name it: ${SET_APNS}` })
  const mode = (await ask(given[0], 'Mode (sandbox or production): ', 'the mode')).toLowerCase()
  // The words of before.
  const known = mode === 'dev' ? 'sandbox' : mode === 'prod' ? 'production' : mode
  if (known !== 'sandbox' && known !== 'production') {
    throw new Fault('usage.bad_option', 400, `'${mode}' is no mode of APNs`, {
      hint: 'There are sandbox and production.',
    })
  }
  const before = await platformOf(session, service, 'apns')
  const file = given[1] ?? (before.isSet ? undefined : await ask(undefined, 'File of the key (.p8): ', 'the key file'))
  if (flags.password !== undefined || CERTIFICATE.test(file ?? '')) {
    throw new Fault('push.bad_settings', 400, 'certificates of APNs are not used: they expire, and keys do not', {
      hint: `Make a key for APNs at developer.apple.com (Keys), and: ${SET_APNS} --key-id … --team-id … --topic BUNDLE`,
    })
  }
  // As Apple names the file.
  const named = /AuthKey_([A-Z0-9]{10})\.p8$/.exec(file ?? '')?.[1]
  const keyId =
    flags.keyId ?? (file === undefined ? undefined : (named ?? (await ask(undefined, 'Key id: ', 'the key id'))))
  const need = async (value: Text, isKept: boolean, prompt: string, what: string) =>
    value ?? (isKept ? undefined : await ask(undefined, prompt, what))
  const teamId = await need(flags.teamId, before.isSet, 'Team id: ', 'the team id')
  const topic = await need(flags.topic, before.isSet, 'Bundle id: ', 'the bundle id')
  return {
    mode: known,
    ...(file === undefined ? {} : { key: await readText(file) }),
    ...(keyId === undefined ? {} : { keyId }),
    ...(teamId === undefined ? {} : { teamId }),
    ...(topic === undefined ? {} : { topic }),
  }
}

async function platformOf(session: Session, service: string, platform: PushPlatform) {
  const view = await (await session.client()).push.show(service)
  const found = view.platforms.find((one) => one.platform === platform)
  return found ?? { platform, isSet: false, facts: {} as Record<string, string>, registrations: null }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Fault('push.bad_settings', 400, `cannot read ${file}: ${messageOf(error)}`, { hint: 'Name the file.' })
  }
}

function viewLines(view: PushView): string[] {
  const rows = view.platforms.map(({ platform, isSet, facts, registrations }) => [
    platform,
    isSet ? 'set up' : 'not set up',
    registrations === null ? '?' : String(registrations),
    facts.packageSid ?? facts.topic ?? facts.projectId ?? facts.subject ?? '',
  ])
  const web = view.platforms.find(({ platform }) => platform === 'webpush')
  return [
    ...tableLines(['Platform', 'State', 'Devices', 'Of'], rows),
    ...pairLines([
      ['Devices are registered by', view.permission],
      ['Script of registrations', view.hasScript ? 'extensions/push' : null],
      ['Public key of Web Push', web?.facts.publicKey ?? null],
      ['Devices', view.isKnown ? null : 'not known: the home of the service cannot be asked'],
    ]),
  ]
}

function sendLines(sends: PushSendView[]): string[] {
  const rows = sends.map((send) => [
    ...[send.id, send.createdAt, send.platform, send.state],
    ...[send.total, send.sent, send.failed, send.dead].map(String),
    send.tags ?? '(everybody)',
    send.problem ?? '',
  ])
  return tableLines(['Id', 'At', 'Platform', 'State', 'Devices', 'Sent', 'Failed', 'Dead', 'Tags', 'Problem'], rows)
}
