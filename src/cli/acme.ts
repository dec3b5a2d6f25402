// `acme show|set|remove`: the authority that issues certificates for domains by itself.
import type { Command } from 'commander'
import type { AcmeView } from '../contract/api.ts'
import { needText } from './asking.ts'
import { pairLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type SetFlags = CommonFlags & { directory?: string; contact?: string; agreeTerms?: boolean }

const SET = 'mainstay acme set --directory URL --contact ops@example.com --agree-terms'

/** Adds the three commands. */
export function addAcme(group: Command, shell: Shell): void {
  addCommand(group, {
    usage: 'show',
    about: 'show the authority that issues certificates by itself',
    examples: ['mainstay acme show'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'acme show', flags }, async (session) => {
      const view = await (await session.client()).domains.getAcme()
      if (!view.isOn) session.talk.info(`No authority yet. Name one: ${session.talk.asTyped(SET)}`)
      return { json: view, lines: linesOf(view) }
    })
  })
  addCommand(group, {
    usage: 'set',
    about: 'name the authority (ACME) that issues and renews certificates for domains',
    examples: [SET],
  })
    .option('--directory <url>', 'its directory')
    .option('--contact <mail>', 'an address that it may write to')
    .option('--agree-terms', 'you have read its terms of service and agree to them')
    .action(async (flags: SetFlags) => {
      await runCommand(shell, { name: 'acme set', flags }, async (session) => {
        const question = { prompt: 'Directory: ', what: 'the directory', insteadSay: `Name it: ${SET}` }
        const directoryUrl = await needText(session, flags.directory, question)
        const view = await (await session.client()).domains.setAcme({
          directoryUrl,
          ...(flags.contact === undefined ? {} : { contact: flags.contact }),
          ...(flags.agreeTerms === true ? { isTermsAgreed: true } : {}),
        })
        return { json: view, lines: linesOf(view) }
      })
    })
  addCommand(group, {
    usage: 'remove',
    about: 'have no certificates issued any more; those that are there stay until they end',
    examples: ['mainstay acme remove'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'acme remove', flags }, async (session) => {
      await (await session.client()).domains.removeAcme()
      session.talk.info('No certificates are issued any more')
      return { json: { isOn: false } }
    })
  })
}

function linesOf({ isOn, directoryUrl, contact }: AcmeView): string[] {
  return pairLines([
    ['issues certificates', isOn ? 'yes' : 'no'],
    ['directory', directoryUrl],
    ['contact', contact],
  ])
}
