// `account list|invite|link|role|remove`: who may sign in to the portal, and as what.
import type { Command } from 'commander'
import type { InvitationView, Role } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type RoleFlags = CommonFlags & { role: string }

const ROLE_TEXT = 'owner, operator or reader'

/** Adds the commands. */
export function addAccount(account: Command, shell: Shell): void {
  addList(account, shell)
  addInvite(account, shell)
  addLink(account, shell)
  addRole(account, shell)
  addRemove(account, shell)
}

function addList(account: Command, shell: Shell): void {
  addCommand(account, {
    usage: 'list',
    about: 'list who may sign in to the portal',
    examples: ['mainstay account list'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'account list', flags }, async (session) => {
      const found = await (await session.client()).accounts.list()
      const rows = found.map(({ name, role, signInBy, lastSeenAt }) => [name, role, signInBy, lastSeenAt ?? 'never'])
      const header = ['Account', 'Role', 'Signs in by', 'Last seen']
      return { json: found, lines: found.length === 0 ? ['Nobody may sign in.'] : tableLines(header, rows) }
    })
  })
}

function addInvite(account: Command, shell: Shell): void {
  addCommand(account, {
    usage: 'invite <name>',
    about: 'make an account, and a link by which its owner chooses a password',
    examples: ['mainstay account invite ada@example.com --role operator'],
  })
    .option('--role <role>', `${ROLE_TEXT}: what it may do`, 'operator')
    .action(async (name: string, flags: RoleFlags) => {
      await runCommand(shell, { name: 'account invite', flags }, async (session) => {
        const made = await (await session.client()).accounts.invite({ name, role: readRole(flags.role) })
        return { json: made, lines: invitationLines(made) }
      })
    })
}

function addLink(account: Command, shell: Shell): void {
  addCommand(account, {
    usage: 'link <name>',
    about: 'make a new link for an account whose password is lost; its password works until the link is used',
    examples: ['mainstay account link ada@example.com'],
  }).action(async (name: string, flags: CommonFlags) => {
    await runCommand(shell, { name: 'account link', flags }, async (session) => {
      const made = await (await session.client()).accounts.inviteAgain(name)
      return { json: made, lines: invitationLines(made) }
    })
  })
}

function addRole(account: Command, shell: Shell): void {
  addCommand(account, {
    usage: 'role <name> <role>',
    about: `change what an account may do: ${ROLE_TEXT}`,
    examples: ['mainstay account role ada@example.com owner'],
  }).action(async (name: string, role: string, flags: CommonFlags) => {
    await runCommand(shell, { name: 'account role', flags }, async (session) => {
      const view = await (await session.client()).accounts.setRole(name, readRole(role))
      return { json: view, lines: [`${view.name} is ${view.role} now.`] }
    })
  })
}

function addRemove(account: Command, shell: Shell): void {
  addCommand(account, {
    usage: 'remove <name>',
    about: 'remove an account; whoever is signed in with it no longer is',
    examples: ['mainstay account remove ada@example.com'],
  }).action(async (name: string, flags: CommonFlags) => {
    await runCommand(shell, { name: 'account remove', flags }, async (session) => {
      await (await session.client()).accounts.remove(name)
      return { json: { removed: name }, lines: [`${name} may sign in no more.`] }
    })
  })
}

/** Reads a role as typed. Faults with `usage.bad_option`. */
export function readRole(text: string): Role {
  const role = text.toLowerCase()
  if (role === 'owner' || role === 'operator' || role === 'reader') return role
  throw new Fault('usage.bad_option', 400, `a role is ${ROLE_TEXT}, not '${text}'`, {
    hint: 'A reader sees all but secrets; an operator also changes; an owner also says who else may.',
  })
}

function invitationLines({ name, role, url, expiresAt }: InvitationView): string[] {
  const told = pairLines([
    ['Account', name],
    ['Role', role],
    ['Link', url],
    ['Good until', expiresAt],
  ])
  return [...told, 'The link works once, and is shown this once: give it to nobody else.']
}
