// The script `extensions/startup` of a service: called once in each sandbox, before anything else of the service runs there.
// As in the original it holds nothing up for long, and what fails of it is told in the log and otherwise ignored.
import type { ScriptAssignment, ServiceAssignment } from '../contract/assignment.ts'
import { STARTUP_MS_MAX, STARTUP_WAIT_MS_MAX } from '../kit/limits.ts'
import type { ModuleSet, SandboxProcess } from '../sandbox/sandbox-process.ts'
import { ScriptAsks } from './script-asks.ts'
import { type RunContext, sourceOf } from './script-run.ts'
import { scriptNamed } from './scripts.ts'

const NAME = 'extensions/startup'

/** That script, where a service has one; an empty one is none. */
export function startupOf(service: ServiceAssignment): ScriptAssignment | undefined {
  return scriptNamed(service, NAME)
}

/** Calls it in a sandbox that was taught its modules, and waits until it is done, or a moment. */
export async function runStartup(
  sandbox: SandboxProcess,
  context: RunContext,
  { script, modules }: { script: ScriptAssignment; modules: ModuleSet },
): Promise<void> {
  const { service, scripts, leases, request } = context
  const source = sourceOf(script)
  const deadline = performance.now() + STARTUP_MS_MAX
  const { fetches, push } = scripts
  const asks = new ScriptAsks({ service, leases, fetches, push, deadline })
  const user = { level: 'admin' as const, id: null }
  const input = { what: 'extension' as const, hook: 'startup' as const, module: script.name, registration: '', user }
  const call = sandbox.call(
    { ...input, modules: modules.key, script: { source, hash: script.hash, text: null } },
    {
      ask: async (ask) => await asks.carryOut(ask),
      onOver: () => asks.end(),
      onLine: () => {},
      deadline,
      requestId: request.id,
    },
  )
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), STARTUP_WAIT_MS_MAX)
  })
  const result = await Promise.race([call.result, limit])
  clearTimeout(timer)
  const problem = problemOf(result)
  if (problem === null) return
  const message = `${problem} Requests are answered all the same.`
  scripts.log(service.assignment.name, { source, level: 'error', message, requestId: request.id })
}

type Result = Awaited<ReturnType<SandboxProcess['call']>['result']> | null

function problemOf(result: Result): string | null {
  if (result === null) return `The extension was not done within ${STARTUP_WAIT_MS_MAX / 1_000} s.`
  // One that ended has told why.
  if (result.kind !== 'answered') return null
  const { answer } = result
  if (answer.kind === 'default') return null
  return `Error in the extension: ${answer.kind === 'failed' ? String(answer.message) : 'it gave another answer.'}`
}
