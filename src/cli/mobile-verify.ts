// `mobile verify`: what a mobile service really holds and runs, compared with what is in force, a copy, or a folder.
import type { Command } from 'commander'
import type { RunningScriptsView } from '../contract/api.ts'
import { needService } from './asking.ts'
import { tableLines } from './columns.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { EXIT_DONE, EXIT_FAILED } from './exit-code.ts'
import { followSteps } from './follow.ts'
import { isRepository, scriptsIn, withRepository } from './repository-folder.ts'
import { readScriptFolder } from './script-files.ts'

type Flags = CommonFlags & { against?: string }

const USAGE = 'mainstay mobile verify SERVICE --against DIR'
const REPOSITORY = 'mainstay mobile verify SERVICE --against https://git.example.com/team/app.git'

/** One script under comparison. `verdict` is `same`, or says what differs. */
export type Compared = { name: string; verdict: string }

/** Adds the command. */
export function addMobileVerify(mobile: Command, shell: Shell): void {
  addCommand(mobile, {
    usage: 'verify [service]',
    about:
      'look whether a mobile service is what it must be; compare its rows with a copy, or its scripts with a folder',
    examples: ['mainstay mobile verify SERVICE', 'mainstay mobile verify SERVICE --against standby', USAGE, REPOSITORY],
  })
    .option(
      '--against <copy>',
      'standby, backup (or one by its name or moment), a folder of scripts, or a repository of git by URL or path',
    )
    .action(async (given: string | undefined, flags: Flags) => {
      await runCommand(shell, { name: 'mobile verify', flags }, async (session) => {
        const name = await needService(session, given, USAGE)
        if (flags.against === undefined || isCopyOfData(flags.against))
          return await verifyCopy(session, name, flags.against)
        const folder = await readAgainst(flags.against)
        const view = await (await session.client()).scripts.running(name)
        const compared = compareScripts(view, folder)
        const different = compared.filter(({ verdict }) => verdict !== 'same')
        session.talk.info(
          different.length === 0
            ? `All ${compared.length} script(s) that run on ${view.machine} are the same`
            : `${different.length} of ${compared.length} script(s) differ`,
        )
        const rows = compared.map((one) => [one.name, one.verdict])
        return {
          json: { machine: view.machine, scripts: compared },
          lines: rows.length === 0 ? [] : tableLines(['Script', 'Verdict'], rows),
          exitCode: different.length === 0 ? EXIT_DONE : EXIT_FAILED,
        }
      })
    })
}

async function readAgainst(against: string): Promise<ReadonlyMap<string, string>> {
  if (await isRepository(against)) return await withRepository(against, readScriptFolder)
  return await readScriptFolder(await scriptsIn(against))
}

/** Whether it is rows that are compared: with `standby`, `backup`, a backup's name or a moment. Else it is a folder. */
export function isCopyOfData(against: string): boolean {
  const isBackupOrMoment = /^(\d{8}T\d{6}Z-[0-9a-f]+|\d{4}-\d\d-\d\d[T ]\d\d?:\d\d[\d:.]*( ?Z|[+-][\d:]+)?)$/
  return ['standby', 'backup'].includes(against.toLowerCase()) || isBackupOrMoment.test(against)
}

async function verifyCopy(session: Session, name: string, against: string | undefined): Promise<Result> {
  const client = await session.client()
  const operation = await client.verifyService(name, against === undefined ? {} : { against })
  const ended = await followSteps(session, client, operation)
  const rows = ended.steps.map(({ sentence, detail }) => [sentence, detail ?? ''])
  return { json: ended, lines: tableLines(['Step', 'Found'], rows) }
}

/** Compares by content: what runs with what is in force, and with the folder where one is given. */
export function compareScripts(view: RunningScriptsView, folder: ReadonlyMap<string, string> | null): Compared[] {
  const running = new Map(view.running.map(({ name, hash }) => [name.toLowerCase(), hash]))
  const inForce = new Map(view.inForce.map(({ name, hash }) => [name.toLowerCase(), hash]))
  const files = folder && new Map([...folder].map(([name, hash]) => [name.toLowerCase(), hash]))
  const shown = [...view.inForce, ...view.running].map(({ name }) => name)
  const names = new Map([...(folder?.keys() ?? []), ...shown].map((name) => [name.toLowerCase(), name]))
  return [...names].sort().map(([key, name]) => {
    const runs = running.get(key)
    if (runs !== inForce.get(key)) return { name, verdict: notAsInForce(runs, inForce.get(key)) }
    if (!files) return { name, verdict: 'same' }
    const wanted = files.get(key)
    if (wanted === undefined) return { name, verdict: 'runs, and is not in the folder' }
    if (runs === undefined) return { name, verdict: 'is in the folder, and does not run' }
    return { name, verdict: runs === wanted ? 'same' : 'another text than in the folder' }
  })
}

function notAsInForce(runs: string | null | undefined, inForce: string | undefined): string {
  if (runs === null) return 'its text is missing or damaged where it should run'
  if (inForce === undefined) return 'runs, and is not in force any more'
  return runs === undefined ? 'is in force, and does not run' : 'another text runs than the one in force'
}
