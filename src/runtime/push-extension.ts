// The script `extensions/push` of a service: it is shown each registration before it is kept, and may change its tags, or
// refuse it.
import { Fault } from '../kit/fault.ts'
import { scriptFailed } from './app-faults.ts'
import type { AppUser } from './credentials.ts'
import type { PushContext } from './push-routes.ts'
import { ScriptAsks } from './script-asks.ts'
import { failScript, runScript, sourceOf } from './script-run.ts'

const NAME = 'extensions/push'

/** The registration as its extension leaves it; null where there is none. Faults with what that refuses it for. */
export async function shownToExtension(
  context: PushContext,
  user: AppUser,
  registration: Record<string, unknown>,
): Promise<Record<string, unknown> | null> {
  const { request, service, scripts, leases } = context
  const script = service.assignment.scripts.find(({ name, bytes }) => bytes > 0 && name.toLowerCase() === NAME)
  if (!script) return null
  const { fetches, push } = scripts
  const asks = new ScriptAsks({ service, leases, fetches, push, deadline: request.work.deadline })
  const about = { what: 'extension' as const, hook: 'register' as const, module: script.name, user }
  const input = { ...about, registration: JSON.stringify(registration) }
  return await runScript(context, script, { input, asks }, (answer) => {
    switch (answer.kind) {
      case 'registered':
        return objectOf(answer.registration)
      case 'refused':
        throw new Fault('app.push_refused', refusalStatus(answer.status), String(answer.message).slice(0, 1_000))
      case 'failed':
        throw failScript(context, sourceOf(script), String(answer.message))
      default:
        throw failScript(context, sourceOf(script), 'It gave an answer that is none of an extension.')
    }
  })
}

function refusalStatus(status: unknown): number {
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 499 ? status : 400
}

// From the sandbox, so anything.
function objectOf(text: unknown): Record<string, unknown> {
  try {
    const value = JSON.parse(String(text)) as unknown
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw scriptFailed('The extension left no registration.')
}
