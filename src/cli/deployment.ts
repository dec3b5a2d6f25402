// `mobile deployment list|show|redeploy|rollback`: what was pushed to a mobile service, and going back.
import type { Command } from 'commander'
import type { Deploy, DeploymentView } from '../contract/api.ts'
import { tellWhenLost } from './api.ts'
import { isSure, needService, wholeNumber } from './asking.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type Text = string | undefined

const LIST = 'mainstay mobile deployment list SERVICE'
const SHOW = 'mainstay mobile deployment show SERVICE 12'
const REDEPLOY = 'mainstay mobile deployment redeploy SERVICE'
const ROLLBACK = 'mainstay mobile deployment rollback SERVICE'
const NUMBERS = { min: 1, max: 1_000_000_000 }
const SHORT = 10

/** Adds the four commands. */
export function addDeployment(group: Command, shell: Shell): void {
  addCommand(group, {
    usage: 'list [service]',
    about: 'list what was deployed to a mobile service, and what was refused, the newest first',
    examples: [LIST],
  }).action(async (given: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile deployment list', flags }, async (session) => {
      const service = await needService(session, given, LIST)
      const found = await (await session.client()).source.listDeployments(service)
      if (found.length === 0) session.talk.info('No deployments yet: git push')
      return { json: found, ...(found.length > 0 ? { lines: listLines(found) } : {}) }
    })
  })
  addCommand(group, {
    usage: 'show [service] <number>',
    about: 'show a deployment: what it changed, and what was said to whoever pushed',
    examples: [SHOW],
  }).action(async (given: Text, number: string, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile deployment show', flags }, async (session) => {
      const service = await needService(session, given, SHOW)
      const client = await session.client()
      const view = await client.source.getDeployment(service, wholeNumber('the number', number, NUMBERS))
      return { json: view, lines: viewLines(view) }
    })
  })
  for (const { action, about, usage } of [
    { action: 'redeploy' as const, about: 'deploy again what was deployed last, or by number', usage: REDEPLOY },
    {
      action: 'rollback' as const,
      about: 'go back to the deployment before, or to one by its number: a new commit with its files',
      usage: ROLLBACK,
    },
  ]) {
    addCommand(group, {
      usage: `${action} [service] [number]`,
      about,
      examples: [usage, `${usage} 12 --quiet`],
    }).action(async (given: Text, number: Text, flags: CommonFlags) => {
      await runCommand(shell, { name: `mobile deployment ${action}`, flags }, async (session) => {
        const service = await needService(session, given, usage)
        const chosen = number === undefined ? {} : { number: wholeNumber('the number', number, NUMBERS) }
        return await deploy(session, service, { action, ...chosen })
      })
    })
  }
}

async function deploy(session: Session, service: string, wanted: Deploy): Promise<Result> {
  const { action, number } = wanted
  const which = number === undefined ? 'the deployment before this one' : `deployment ${number}`
  const prompt = `Do you want '${service}' to go back to ${which}? (y/n): `
  const insteadSay = `Add --quiet to do it without a question: ${ROLLBACK} --quiet`
  if (action === 'rollback' && !(await isSure(session, { prompt, insteadSay }))) {
    return { json: { deployed: false } }
  }
  const done = await (await session.client()).source.deploy(service, wanted)
  tellWhenLost(session, service, done.isRunning)
  return { json: done, lines: viewLines(done.deployment) }
}

function listLines(deployments: DeploymentView[]): string[] {
  const rows = deployments.map(({ number, state, kind, branch, commit, author, message, createdAt }) => [
    String(number),
    state,
    kind,
    branch,
    commit.slice(0, SHORT),
    author,
    message,
    createdAt,
  ])
  return tableLines(['Number', 'State', 'From', 'Branch', 'Commit', 'Author', 'Message', 'At'], rows)
}

function viewLines(view: DeploymentView): string[] {
  return [
    ...pairLines([
      ['Number', String(view.number)],
      ['State', view.state],
      ['From', view.kind],
      ['Branch', view.branch],
      ['Commit', view.commit],
      ['Author', view.author],
      ['Message', view.message],
      ['By', view.principal],
      ['At', view.createdAt],
    ]),
    ...(view.changes.length > 0 ? ['Changes', ...view.changes.map((line) => `  ${line}`)] : []),
    ...(view.log === '' ? [] : ['Said', ...view.log.split('\n').map((line) => `  ${line}`)]),
  ]
}
