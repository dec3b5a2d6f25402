// `sql server attach` and `sql server detach`: a PostgreSQL that somebody else runs, used for mobile services.
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { AttachServer } from '../contract/api.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { needSqlServer } from './asking.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'
import { serverLines } from './server-lines.ts'

type AttachFlags = CommonFlags & DryRunFlag & { url?: string; location?: string; ca?: string; takeOver?: boolean }

/** Adds `attach`. */
export function addSqlServerAttach(server: Command, shell: Shell): void {
  addCommand(server, {
    usage: 'attach [server]',
    about: 'use a PostgreSQL (15 or newer) that somebody else runs, or reach one that is attached by another URL',
    examples: [
      'mainstay sql server attach orders --url postgres://app:PASSWORD@db1,db2/orders --location "West US"',
      'mainstay sql server attach orders --location "West US" < url.txt',
    ],
  })
    .option('--url <url>', 'postgres://USER:PASSWORD@HOST1:5432,HOST2:5432/DATABASE (left out: asked for, unseen)')
    .option('-l, --location <region>', 'region that it is in (default: the first of `mobile locations`)')
    .option('--ca <file>', 'certificates (PEM) that its own may be signed by (default: the usual authorities)')
    .option('--take-over', 'although it is attached to another cloud, or is a copy of what this name stands for')
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: AttachFlags) => {
      await runCommand(shell, { name: 'sql server attach', flags }, async (session) => {
        const name = await needSqlServer(session, given, 'mainstay sql server attach SERVER --url URL')
        const request: AttachServer = {
          name,
          url: await needUrl(session, flags.url),
          ...(flags.location === undefined ? {} : { location: flags.location }),
          ...(flags.ca === undefined ? {} : { ca: await readCertificates(flags.ca) }),
          ...(flags.takeOver ? { isTakenOver: true } : {}),
        }
        const client = await session.client()
        session.talk.progress('Looking into it from every region')
        const plan = await client.planAttachServer(request)
        if (flags.dryRun) return tellDryRun(session, plan)
        session.talk.data(...plan.changes)
        const attached = await client.attachServer(request)
        return { json: attached, lines: serverLines(attached, Date.now()) }
      })
    })
}

/** Adds `detach`. */
export function addSqlServerDetach(server: Command, shell: Shell): void {
  addCommand(server, {
    usage: 'detach [server]',
    about: 'forget an external SQL server, and leave its database as it is; refused while mobile services use it',
    examples: ['mainstay sql server detach orders', 'mainstay sql server detach orders --quiet'],
  })
    .option(...DRY_RUN)
    .action(async (given: string | undefined, flags: CommonFlags & DryRunFlag) => {
      await runCommand(shell, { name: 'sql server detach', flags }, async (session) => {
        const name = await needSqlServer(session, given, 'mainstay sql server detach SERVER')
        const client = await session.client()
        const plan = await client.planDetachServer(name)
        if (flags.dryRun) return tellDryRun(session, plan)
        session.talk.data(...plan.changes)
        const prompt = `Do you want to detach the SQL server ${name}? [y/n]: `
        const insteadSay = `Add --quiet to detach without a question: mainstay sql server detach ${name} --quiet`
        if (!flags.quiet && !(await session.answers.confirm({ prompt, insteadSay }))) {
          session.talk.info('Cancelled with no changes made.')
          return { json: { detached: false } }
        }
        await client.detachServer(name)
        return { json: { detached: true } }
      })
    })
}

// It holds a password: better not in the shell's history.
async function needUrl(session: Session, given: string | undefined): Promise<string> {
  const insteadSay = 'Give it with --url, or by a pipe: mainstay sql server attach SERVER < url.txt'
  const url = given ?? (session.flags.quiet ? '' : await session.answers.askSecret({ prompt: 'URL: ', insteadSay }))
  if (url !== '') return url
  throw new Fault('usage.name_missing', 400, 'the URL of the server must be specified', { hint: insteadSay })
}

async function readCertificates(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  } catch (error) {
    throw new Fault('file.failed', 400, `${path} cannot be read: ${messageOf(error)}`)
  }
  throw new Fault('file.failed', 400, `${path} holds no certificate in PEM`, {
    hint: 'Its owner has one for its clients; it begins with -----BEGIN CERTIFICATE-----',
  })
}
