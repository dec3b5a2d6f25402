// `login`: points the commands at a control elsewhere, until `logout`.
import type { Command } from 'commander'
import { Fault, messageOf } from '../kit/fault.ts'
import { readTextIfAny } from '../kit/files.ts'
import { isLoopback } from '../kit/role-options.ts'
import { Client } from './client.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import { type CommonFlags, controlUrlOf, tokenOf } from './config.ts'
import { keepLogin } from './login-file.ts'

type Flags = CommonFlags & { tokenFile?: string; insecureHttp?: boolean }

/** Adds the command. */
export function addLogin(program: Command, shell: Shell): void {
  addCommand(program, {
    usage: 'login <url>',
    about: 'use a control elsewhere from now on; the token is asked for, or comes from MAINSTAY_TOKEN or a file',
    examples: ['mainstay login https://control.example.com:8081', 'mainstay login http://localhost:8081'],
  })
    .option('--token-file <file>', 'a file with the operator token in it')
    .option('--insecure-http', 'send the token in clear although others can listen in')
    .action(async (url: string, flags: Flags) => {
      await runCommand(shell, { name: 'login', flags }, async (session) => {
        const to = controlUrlOf(url)
        requireSafe(to, { isAccepted: flags.insecureHttp === true })
        const token = await readToken(session, flags)
        const hintWhenSilent = 'Check the URL, and that control serves its management API there (--api-address).'
        // Nothing is kept before it was seen to work.
        const status = await new Client({ url: to, token, hintWhenSilent }).status()
        const file = await keepLogin(session.env, { url: to, token })
        session.talk.info(
          `Logged in to ${to}: ${status.regions.length} region(s), ${status.services.length} service(s)`,
        )
        return {
          json: { url: to, file },
          lines: [`Kept in ${file}, readable by you only. mainstay logout forgets it.`],
        }
      })
    })
}

async function readToken(session: Session, flags: Flags): Promise<string> {
  const insteadSay = 'Give it in a file: mainstay login URL --token-file FILE'
  const given = flags.tokenFile === undefined ? tokenOf(session.env) : await readTokenFile(flags.tokenFile)
  const ask = async () => await session.answers.askSecret({ prompt: 'Operator token: ', insteadSay })
  const token = given ?? (session.flags.quiet ? '' : await ask())
  if (/^\S+$/.test(token)) return token
  throw new Fault('usage.token_missing', 400, 'the operator token must be specified, one word', { hint: insteadSay })
}

async function readTokenFile(file: string): Promise<string> {
  const text = await readTextIfAny(file).catch((error) => {
    throw new Fault('usage.bad_option', 400, `cannot read ${file}: ${messageOf(error)}`)
  })
  if (text !== null) return text.trim()
  throw new Fault('usage.bad_option', 400, `there is no file ${file}`, {
    hint: 'The token of the first operator is in operator.token of the home of control.',
  })
}

function requireSafe(url: string, options: { isAccepted: boolean }): void {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:' || isLoopback(hostname.replace(/^\[|\]$/g, '')) || options.isAccepted) return
  throw new Fault('usage.insecure', 400, `the token would be sent in clear to ${hostname}`, {
    hint: 'Use https, or a tunnel (ssh -L 8081:localhost:8081 CONTROL); --insecure-http accepts it.',
  })
}
