// `token list|create|revoke`: what programs show to control.
import type { Command } from 'commander'
import { Fault } from '../kit/fault.ts'
import { readRole } from './account.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type CreateFlags = CommonFlags & { role: string; days?: string }

/** Adds the commands. */
export function addToken(token: Command, shell: Shell): void {
  addList(token, shell)
  addCreate(token, shell)
  addRevoke(token, shell)
}

function addList(token: Command, shell: Shell): void {
  addCommand(token, {
    usage: 'list',
    about: 'list the tokens that control takes, and when each was used last',
    examples: ['mainstay token list'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'token list', flags }, async (session) => {
      const found = await (await session.client()).accounts.listTokens()
      const rows = found.map(({ id, name, role, expiresAt, lastUsedAt }) => [
        ...[id, name, role, expiresAt ?? 'never', lastUsedAt ?? 'never'],
      ])
      return { json: found, lines: tableLines(['Token', 'Name', 'Role', 'Ends', 'Last used'], rows) }
    })
  })
}

function addCreate(token: Command, shell: Shell): void {
  addCommand(token, {
    usage: 'create <name>',
    about: 'make a token for a program; changes are noted under its name',
    examples: [
      'mainstay token create backup-watch --role reader',
      'mainstay token create ci --role operator --days 30',
    ],
  })
    .option('--role <role>', 'owner, operator or reader: what it may do', 'operator')
    .option('--days <number>', 'how long it is good; `never` for one that does not end (default 90)')
    .action(async (name: string, flags: CreateFlags) => {
      await runCommand(shell, { name: 'token create', flags }, async (session) => {
        const wanted = { name, role: readRole(flags.role), ...readDays(flags.days) }
        const made = await (await session.client()).accounts.createToken(wanted)
        const told = pairLines([
          ['Token', made.token],
          ['Name', made.name],
          ['Role', made.role],
          ['Ends', made.expiresAt ?? 'never'],
        ])
        return { json: made, lines: [...told, 'It is shown this once. Use it with MAINSTAY_TOKEN, or mainstay login.'] }
      })
    })
}

function addRevoke(token: Command, shell: Shell): void {
  addCommand(token, {
    usage: 'revoke <token>',
    about: 'end a token at once; name it as token list does',
    examples: ['mainstay token revoke 3f2c9a1b2c3d4e5f'],
  }).action(async (id: string, flags: CommonFlags) => {
    await runCommand(shell, { name: 'token revoke', flags }, async (session) => {
      await (await session.client()).accounts.revokeToken(id)
      return { json: { revoked: id }, lines: [`${id} is taken no more.`] }
    })
  })
}

function readDays(text: string | undefined): { days?: number | null } {
  if (text === undefined) return {}
  if (text === 'never') return { days: null }
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 3_650) return { days: Number(text) }
  throw new Fault('usage.bad_option', 400, `--days is a number from 1 to 3650, or never; not '${text}'`, {
    hint: 'Type: mainstay token create ci --role operator --days 30',
  })
}
