// `mobile key regenerate|set`: the keys by which apps and administrators reach a mobile service.
import type { Command } from 'commander'
import type { KeyType } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { isSure, needService, needText } from './asking.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { DRY_RUN, type DryRunFlag, tellDryRun } from './dry-run.ts'

type Flags = CommonFlags & DryRunFlag

const USAGE_NEW = 'mainstay mobile key regenerate SERVICE application'
const USAGE_SET = 'mainstay mobile key set SERVICE master VALUE'

/** Adds both commands. */
export function addKey(key: Command, shell: Shell): void {
  addCommand(key, {
    usage: 'regenerate [service] [type]',
    about: 'make a new application or master key; the old one stops working at once',
    examples: [USAGE_NEW],
  })
    .option(...DRY_RUN)
    .action(async (service: string | undefined, type: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile key regenerate', flags }, async (session) => {
        return await changeKey(session, { service, type, flags, usage: USAGE_NEW })
      })
    })
  addCommand(key, {
    usage: 'set [service] [type] [value]',
    about: 'set the application or master key to a value of yours',
    examples: [USAGE_SET],
  })
    .option(...DRY_RUN)
    .action(async (service: string | undefined, type: string | undefined, value: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile key set', flags }, async (session) => {
        const question = { prompt: 'Key value: ', what: 'the value of the key', insteadSay: USAGE_SET }
        const ask = async () => await needText(session, value, question)
        return await changeKey(session, { service, type, flags, usage: USAGE_SET, ask })
      })
    })
}

async function changeKey(
  session: Session,
  given: {
    service: string | undefined
    type: string | undefined
    flags: Flags
    usage: string
    ask?: () => Promise<string>
  },
): Promise<Result> {
  const name = await needService(session, given.service, given.usage)
  const type = typeOf(await needText(session, given.type, typeQuestion(given.usage)))
  const value = await given.ask?.()
  const client = await session.client()
  if (given.flags.dryRun) return tellDryRun(session, await client.planKey(name, type, value))
  // Asked for before the question, so that nobody confirms for what does not exist.
  const service = await client.getService(name)
  const prompt = `Apps that carry the old ${type} key of '${service.name}' will be refused. Continue? (y/n): `
  const insteadSay = `Add --quiet to change it without a question: ${given.usage} --quiet`
  if (!(await isSure(session, { prompt, insteadSay }))) {
    return { json: { changed: false } }
  }
  const view = await client.setKey(name, type, value)
  session.talk.info(`New ${type} key is ${view.value}`)
  return { json: view }
}

function typeQuestion(usage: string) {
  return { prompt: 'Key type (application or master): ', what: 'the type of the key', insteadSay: `Say: ${usage}` }
}

function typeOf(text: string): KeyType {
  if (text === 'application' || text === 'master') return text
  throw new Fault('usage.bad_option', 400, `there is no key '${text}'`, {
    hint: 'The types are application and master.',
  })
}
