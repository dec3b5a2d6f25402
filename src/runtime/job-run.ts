// One run of a scheduled job: its script in the sandbox, what it says, how it ended.
import { randomUUID } from 'node:crypto'
import type { JobDefinition, RunState } from '../contract/scheduled-job.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { JOB_MS_MAX, JOB_OUTPUT_CHARACTERS_MAX } from '../kit/limits.ts'
import type { Leases } from './leases.ts'
import { ScriptAsks } from './script-asks.ts'
import { failScript, runScript, sourceOf } from './script-run.ts'
import type { Scripts } from './scripts.ts'
import type { ServedService } from './services.ts'

export type Ended = { state: RunState; note: string | null; output: string }

const CUT_TEXT = '\n[output cut]'

/** Runs it to its end, however it ends. */
export async function runJob(
  { service, scripts, leases }: { service: ServedService; scripts: Scripts; leases: Leases },
  job: JobDefinition,
): Promise<Ended> {
  const script = scriptOf(service, job)
  if (!script) return { state: 'failed', note: 'it has no script', output: '' }
  const deadline = performance.now() + JOB_MS_MAX
  const request = { id: randomUUID(), work: { deadline } }
  const context = { request, service, scripts, leases }
  const asks = new ScriptAsks({
    service,
    leases,
    fetches: scripts.fetches,
    push: scripts.push,
    deadline,
    clientGeneration: 1,
    conflictStatus: 412,
  })
  const input = { what: 'job' as const, name: job.name, user: { level: 'admin' as const, id: null } }
  let output = ''
  const onLine = (message: string) => {
    if (output.length <= JOB_OUTPUT_CHARACTERS_MAX) output += `${output === '' ? '' : '\n'}${message}`
  }
  const ended = (state: RunState, note: string | null): Ended => {
    const isCut = output.length > JOB_OUTPUT_CHARACTERS_MAX
    return { state, note, output: isCut ? output.slice(0, JOB_OUTPUT_CHARACTERS_MAX) + CUT_TEXT : output }
  }
  try {
    await runScript(context, script, { input, asks, onLine }, (answer) => {
      if (answer.kind === 'default') return
      const message = answer.kind === 'failed' ? String(answer.message) : 'It gave an answer that is none of a job.'
      onLine(message)
      throw failScript(context, sourceOf(script), message)
    })
    return ended('succeeded', null)
  } catch (error) {
    const code = error instanceof Fault ? error.code : ''
    if (code === 'app.script_failed') return ended('failed', 'its script failed')
    if (performance.now() >= deadline - 1_000)
      return ended('failed', `it took longer than ${JOB_MS_MAX / 60_000} minutes`)
    return ended('lost', `it did not run to its end: ${messageOf(error)}`)
  }
}

/** The script of a job, if it was uploaded. */
export function scriptOf({ assignment }: ServedService, { name }: Pick<JobDefinition, 'name'>) {
  return assignment.scripts.find((script) => script.name.toLowerCase() === `scheduler/${name}`.toLowerCase())
}
