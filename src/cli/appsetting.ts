// `mobile appsetting list|show|add|set|delete`: what the scripts of a mobile service find in their environment.
import type { Command } from 'commander'
import { Fault } from '../kit/fault.ts'
import { tellWhenLost } from './api.ts'
import { isSure, needService, needText } from './asking.ts'
import { tableLines } from './columns.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Text = string | undefined

const LIST = 'mainstay mobile appsetting list SERVICE'
const SHOW = 'mainstay mobile appsetting show SERVICE NAME'
const ADD = 'mainstay mobile appsetting add SERVICE NAME VALUE'
const SET = 'mainstay mobile appsetting set SERVICE NAME VALUE'
const DELETE = 'mainstay mobile appsetting delete SERVICE NAME'
const HIDDEN = '(not shown to readers)'

/** Adds the five commands. */
export function addAppSetting(group: Command, shell: Shell): void {
  addCommand(group, {
    usage: 'list [service]',
    about: 'list the app settings of a mobile service',
    examples: [LIST],
  }).action(async (given: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile appsetting list', flags }, async (session) => {
      const service = await needService(session, given, LIST)
      const settings = await (await session.client()).scripts.listAppSettings(service)
      const rows = settings.map(({ name, value }) => [name, value ?? HIDDEN])
      if (rows.length === 0) session.talk.info(`No app settings yet. Add one: ${session.talk.asTyped(ADD)}`)
      return { json: settings, ...(rows.length > 0 ? { lines: tableLines(['Name', 'Value'], rows) } : {}) }
    })
  })
  addCommand(group, {
    usage: 'show [service] [name]',
    about: 'show the value of an app setting',
    examples: [SHOW],
  }).action(async (given: Text, name: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile appsetting show', flags }, async (session) => {
      const service = await needService(session, given, SHOW)
      const wanted = (await needName(session, name, SHOW)).toLowerCase()
      const settings = await (await session.client()).scripts.listAppSettings(service)
      const found = settings.find((one) => one.name.toLowerCase() === wanted)
      if (found) return { json: found, lines: [found.value ?? HIDDEN] }
      throw new Fault('appsetting.unknown', 404, `'${service}' has no app setting '${name}'`, {
        hint: `See which there are: mainstay mobile appsetting list ${service}`,
      })
    })
  })
  for (const { word, about, usage, isNew } of [
    { word: 'add', about: 'add an app setting; one that is there is not changed', usage: ADD, isNew: true },
    { word: 'set', about: 'set an app setting, whether it is there or not', usage: SET, isNew: false },
  ]) {
    addCommand(group, { usage: `${word} [service] [name] [value]`, about, examples: [usage] }).action(
      async (given: Text, name: Text, value: Text, flags: CommonFlags) => {
        await runCommand(shell, { name: `mobile appsetting ${word}`, flags }, async (session) => {
          const service = await needService(session, given, usage)
          const setting = await needName(session, name, usage)
          const question = { prompt: 'Value: ', what: 'the value', insteadSay: `Name it: ${usage}` }
          const request = { value: value ?? (await needText(session, value, question)), isNew }
          const { isRunning } = await (await session.client()).scripts.setAppSetting(service, setting, request)
          tellWhenLost(session, service, isRunning)
          session.talk.info(`App setting ${setting} is set`)
          return { json: { name: setting, isRunning } }
        })
      },
    )
  }
  addCommand(group, {
    usage: 'delete [service] [name]',
    about: 'delete an app setting',
    examples: [`${DELETE} --quiet`],
  }).action(async (given: Text, name: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile appsetting delete', flags }, async (session) => {
      const service = await needService(session, given, DELETE)
      const setting = await needName(session, name, DELETE)
      const prompt = `Do you want to delete the app setting '${setting}'? (y/n): `
      const insteadSay = `Add --quiet to delete without a question: ${DELETE} --quiet`
      if (!(await isSure(session, { prompt, insteadSay }))) {
        return { json: { deleted: false } }
      }
      const { isRunning } = await (await session.client()).scripts.deleteAppSetting(service, setting)
      tellWhenLost(session, service, isRunning)
      session.talk.info(`Deleted app setting ${setting}`)
      return { json: { deleted: true, name: setting } }
    })
  })
}

async function needName(session: Session, given: Text, usage: string): Promise<string> {
  const question = { prompt: 'Name of the setting: ', what: 'the name of the setting', insteadSay: `Name it: ${usage}` }
  return await needText(session, given, question)
}
