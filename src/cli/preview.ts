// `mobile preview list|enable`: features that the original called previews; source control is one.
import type { Command } from 'commander'
import type { PreviewView } from '../contract/api.ts'
import { SOURCE_CONTROL } from '../contract/deployment.ts'
import { needService, needText } from './asking.ts'
import { tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Text = string | undefined

const LIST = 'mainstay mobile preview list SERVICE'
const ENABLE = `mainstay mobile preview enable SERVICE ${SOURCE_CONTROL}`

/** Adds the two commands. */
export function addPreview(group: Command, shell: Shell): void {
  addCommand(group, {
    usage: 'list [service]',
    about: 'list the preview features of a mobile service',
    examples: [LIST],
  }).action(async (given: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile preview list', flags }, async (session) => {
      const service = await needService(session, given, LIST)
      const previews = await (await session.client()).source.listPreviews(service)
      const rows = previews.map(({ name, isEnabled, url }) => [name, isEnabled ? 'enabled' : 'available', url ?? ''])
      return { json: previews, lines: tableLines(['Preview feature', 'State', 'Repository'], rows) }
    })
  })
  addCommand(group, {
    usage: 'enable [service] [feature]',
    about: 'enable a preview feature of a mobile service',
    examples: [ENABLE],
  }).action(async (given: Text, feature: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile preview enable', flags }, async (session) => {
      const service = await needService(session, given, ENABLE)
      const question = { prompt: 'Preview feature: ', what: 'the feature', insteadSay: `Name it: ${ENABLE}` }
      const preview = await needText(session, feature, question)
      const view = await (await session.client()).source.enablePreview(service, preview)
      return { json: view, lines: enabledLines(view, (text) => session.talk.asTyped(text)) }
    })
  })
}

function enabledLines({ name, url }: PreviewView, asTyped: (text: string) => string): string[] {
  return [
    `${name} is enabled`,
    `Repository  ${url}`,
    'Next',
    `  ${asTyped('mainstay account deployment-user set NAME')}   (or a token as the password, with any name)`,
    `  git clone ${url}`,
    '  git push origin master   (or main: both deploy)',
  ]
}
