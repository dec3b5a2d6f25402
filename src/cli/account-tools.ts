// `account show|ca|publishsettings` and `account cert list|revoke`: how the original's own command line comes in.
import { hostname, userInfo } from 'node:os'
import type { Command } from 'commander'
import { Fault } from '../kit/fault.ts'
import { readRole } from './account.ts'
import { needText } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, addGroup, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { writeWholeFile } from './whole-file.ts'

type OutFlags = CommonFlags & { out?: string; override?: boolean }
type SettingsFlags = OutFlags & { name?: string; role: string; days?: string }

const USAGE_SETTINGS = 'mainstay account publishsettings --out FILE'
const TENANT = '--common-tenant-name common'
const USAGE_CA = 'mainstay account ca --out FILE'

/** Adds the commands. */
export function addAccountTools(account: Command, shell: Shell): void {
  addShow(account, shell)
  addCa(account, shell)
  addPublishSettings(account, shell)
  const cert = addGroup(account, 'cert', "client certificates of the original's own tools")
  addCertList(cert, shell)
  addCertRevoke(cert, shell)
}

function addShow(account: Command, shell: Shell): void {
  addCommand(account, {
    usage: 'show',
    about: "show the subscription as the original's own tools know it, and where they are answered",
    examples: ['mainstay account show'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'account show', flags }, async (session) => {
      const shown = await (await session.client()).accounts.subscription()
      const endpoint = shown.endpoint ?? 'off (start control with --management-port NUMBER)'
      const lines = pairLines([
        ['Subscription', shown.id],
        ['Name', shown.name],
        ['Management endpoint', endpoint],
      ])
      return { json: shown, lines }
    })
  })
}

function addCa(account: Command, shell: Shell): void {
  addCommand(account, {
    usage: 'ca',
    about: 'write the certificate by which tools trust the management endpoint',
    examples: [USAGE_CA],
  })
    .option('--out <file>', 'the file, in PEM')
    .option('--override', 'replace a file that is there')
    .action(async (flags: OutFlags) => {
      await runCommand(shell, { name: 'account ca', flags }, async (session) => {
        const { certificate } = await (await session.client()).accounts.authority()
        if (certificate === null) {
          throw new Fault('account.no_authority', 409, 'the management endpoint has no certificate that control made', {
            hint: 'It is off, or has a certificate of its own, whose authority is to be trusted.',
          })
        }
        if (flags.out === undefined) return { json: { certificate }, lines: certificate.trim().split('\n') }
        const file = flags.out
        await writeWholeFile(file, { isReplaced: flags.override === true }, async (handle) => {
          await handle.writeFile(certificate)
          await handle.sync()
        })
        return { json: { file }, lines: [`${file} is the certificate to trust.`] }
      })
    })
}

function addPublishSettings(account: Command, shell: Shell): void {
  addCommand(account, {
    usage: 'publishsettings',
    about: "make a client certificate for the original's own tools, and write the file that they import",
    examples: [USAGE_SETTINGS, `${USAGE_SETTINGS} --name ci --role reader --days 7`],
  })
    .option('--out <file>', 'the file; it holds a private key')
    .option('--override', 'replace a file that is there')
    .option('--name <name>', 'what its changes are noted under (default: who types this, and where)')
    .option('--role <role>', 'owner, operator or reader: what it may do', 'operator')
    .option('--days <number>', 'how long it is good, from 1 to 365 (default 30)')
    .action(async (flags: SettingsFlags) => {
      await runCommand(shell, { name: 'account publishsettings', flags }, async (session) => {
        const question = { what: 'the file', prompt: 'File: ', insteadSay: USAGE_SETTINGS }
        const file = await needText(session, flags.out, question)
        const name = flags.name ?? `azure ${userInfo().username}@${hostname()}`
        const wanted = { name, role: readRole(flags.role), ...readDays(flags.days) }
        const { accounts } = await session.client()
        const { endpoint } = await accounts.subscription()
        // Not before there is a file for it: a certificate that nobody has is one too many.
        const made = await writeWholeFile(file, { isReplaced: flags.override === true }, async (handle) => {
          const { file: text, ...view } = await accounts.publishSettings(wanted)
          await handle.writeFile(text)
          await handle.sync()
          return view
        })
        const told = pairLines([
          ['File', file],
          ['Name', made.name],
          ['Role', made.role],
          ['Good until', made.expiresAt],
        ])
        const next = [
          'Whoever has this file may do what its role says: import it, and remove it. Type next:',
          environmentCommand(`${endpoint}/`),
          `azure account import ${file}`,
          `azure 0.8.17 also wants ${TENANT} with the first of them.`,
        ]
        return { json: { ...made, file }, lines: [...told, ...next] }
      })
    })
}

function addCertList(cert: Command, shell: Shell): void {
  addCommand(cert, {
    usage: 'list',
    about: "list the client certificates of the original's own tools, and when each was used last",
    examples: ['mainstay account cert list'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'account cert list', flags }, async (session) => {
      const found = await (await session.client()).accounts.listCertificates()
      const rows = found.map((one) => [
        ...[one.id, one.name, one.role, one.lastUsedAt ?? 'never'],
        one.revokedAt === null ? `until ${one.expiresAt}` : `revoked ${one.revokedAt}`,
      ])
      const empty = ['There is none.']
      const header = ['Certificate', 'Name', 'Role', 'Last used', 'Good']
      return { json: found, lines: found.length === 0 ? empty : tableLines(header, rows) }
    })
  })
}

function addCertRevoke(cert: Command, shell: Shell): void {
  addCommand(cert, {
    usage: 'revoke <certificate>',
    about: 'end a client certificate at once; name it as account cert list does',
    examples: ['mainstay account cert revoke 3f2c9a1b2c3d4e5f'],
  }).action(async (id: string, flags: CommonFlags) => {
    await runCommand(shell, { name: 'account cert revoke', flags }, async (session) => {
      await (await session.client()).accounts.revokeCertificate(id)
      return { json: { revoked: id }, lines: [`${id} is taken no more.`] }
    })
  })
}

// All that the tools ask for. What is at localhost they never call.
function environmentCommand(endpoint: string): string {
  const unused = [
    'active-directory-endpoint-url',
    'active-directory-resource-id',
    'publishing-profile-url',
    'portal-url',
  ]
  return [
    `azure account env add Mainstay --management-endpoint-url ${endpoint}`,
    `--sql-management-endpoint-url ${endpoint} --sql-server-hostname-suffix .localhost`,
    ...unused.map((name) => `--${name} https://localhost/`),
  ].join(' ')
}

function readDays(text: string | undefined): { days?: number } {
  if (text === undefined) return {}
  if (/^[1-9]\d{0,2}$/.test(text) && Number(text) <= 365) return { days: Number(text) }
  throw new Fault('usage.bad_option', 400, `--days is a number from 1 to 365, not '${text}'`, {
    hint: `Type: ${USAGE_SETTINGS} --days 7`,
  })
}
