// A run of a script in the sandbox of its service: with its text, its modules and its time; and what is answered when
// nothing came of it.
import type { ScriptAssignment } from '../contract/assignment.ts'
import { Fault } from '../kit/fault.ts'
import { SCRIPT_TIMEOUT_MARGIN_MS } from '../kit/limits.ts'
import { refusalText } from '../sandbox/endings.ts'
import { answerOfLeft } from '../sandbox/left-answer.ts'
import type { AskOutcome, ScriptAnswer } from '../sandbox/messages.ts'
import type { Ask, CallInput, CallResult, ModuleSet, SandboxProcess, Without } from '../sandbox/sandbox-process.ts'
import { outcomeUnknown, scriptFailed, TIMED_OUT_TEXT, timedOut, unavailable } from './app-faults.ts'
import type { AppRequest } from './app-request.ts'
import type { Leases } from './leases.ts'
import { modulesOf, type Scripts } from './scripts.ts'
import type { ServedService } from './services.ts'
import type { SmallEnd } from './small-call.ts'
import { runStartup, startupOf } from './startup-extension.ts'

/** Whose run it is. */
export type RunContext = {
  request: Pick<AppRequest, 'id'> & { work: { deadline: number } }
  service: ServedService
  scripts: Scripts
  leases: Leases
}
/** `onLine`: for what it says while it runs. */
export type RunWith = { input: RunInput; asks: RunAsks; onLine?: (message: string) => void }
/** What carries out what the script asks for. */
export type RunAsks = {
  carryOut: (ask: Ask) => Promise<AskOutcome>
  readonly hasWritten: boolean
  /** Nothing more is asked for. */
  end: () => void
}
/** What the script is given; its text and modules are added here. */
export type RunInput = Without<CallInput, 'script' | 'modules'>
type Ended = CallResult | { kind: 'timed_out' }

/** `/table/TodoItem.insert.js`, as it stands in stacks and logs. */
export function sourceOf(script: ScriptAssignment): string {
  return `/${script.name}.js`
}

/**
 * Runs it and answers with what `render` makes of its answer. Counts it as a run of the service's scripts: what a script
 * answers by itself is no failure of it, whatever the status.
 */
export async function runScript<T>(
  context: RunContext,
  script: ScriptAssignment,
  wanted: RunWith,
  render: (answer: ScriptAnswer) => T | Promise<T>,
): Promise<T> {
  const { name } = context.service.assignment
  const source = sourceOf(script)
  const { asks } = wanted
  const result = await run(context, script, wanted)
  const note = (problem: string | null) => context.scripts.runs.note(name, problem && `'${source}': ${problem}`)
  try {
    const answer = await render(answerOf(context, { source, asks }, result))
    note(null)
    return answer
  } catch (error) {
    const isFailed = error instanceof Fault && error.code === 'app.script_failed'
    if (result.kind === 'timed_out') note('it did not answer in time')
    else note(isFailed ? whyFailed(error.cause) : null)
    throw error
  }
}

/** The fault of a script that failed; why stands in its service's log. */
export function failScript({ request, service, scripts }: RunContext, source: string, message: string): Fault {
  const text = `Error in script '${source}'. ${message}`
  scripts.log(service.assignment.name, { source, level: 'error', message: text, requestId: request.id })
  return scriptFailed(message)
}

function whyFailed(cause: unknown): string {
  return typeof cause === 'string' ? cause : 'its sandbox ended'
}

async function run(context: RunContext, script: ScriptAssignment, wanted: RunWith): Promise<Ended> {
  const end = await evaluate(context, script, wanted.input)
  if (end) return await finish(context, end, wanted.asks)
  // A sandbox that ends between being found and being told has run nothing: the next one may.
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const { scripts, service } = context
    const sandbox = scripts.running(service.assignment) ?? (await placeFor(context))
    const result = await runIn(sandbox, context, { script, ...wanted })
    if (result.kind !== 'unsent') return result
  }
  throw unavailable('The scripts of this service could not be started.')
}

// Null for what a sandbox has to run. What a service has done first in a sandbox may be there for any of its scripts.
async function evaluate(context: RunContext, script: ScriptAssignment, input: RunInput): Promise<SmallEnd | null> {
  if (input.what !== 'table' || startupOf(context.service.assignment)) return null
  const { small } = context.scripts
  const known = small.find(script.hash, input.operation)
  if (known !== undefined) return known?.(input) ?? null
  const { hash } = script
  return small.learn({ hash, text: await textOf(context, script) }, input.operation)?.(input) ?? null
}

// What was evaluated leaves one operation at most.
async function finish(context: RunContext, end: SmallEnd, asks: RunAsks): Promise<Ended> {
  if (end.kind === 'answered') {
    asks.end()
    return end
  }
  const { what, body } = end
  const answered = asks
    .carryOut({ what, isExecute: true })
    .then((outcome): Ended => ({ kind: 'answered', answer: answerOfLeft(outcome, body, what) }))
    .finally(() => asks.end())
  return await inTime(context, answered)
}

async function placeFor({ scripts, service }: RunContext): Promise<SandboxProcess> {
  const place = await scripts.place(service.assignment)
  if (place.kind === 'refused') throw unavailable(place.reason)
  return place.sandbox
}

async function runIn(
  sandbox: SandboxProcess,
  context: RunContext,
  { script, input, asks, onLine = () => {} }: { script: ScriptAssignment } & RunWith,
): Promise<Ended> {
  const { request } = context
  const { hash } = script
  // The text of a module goes with the modules.
  const isKnown = input.what === 'api' || sandbox.knows(hash)
  const text = isKnown ? null : await textOf(context, script)
  const lesson = modulesOf(context.service.assignment) && (await beginIn(sandbox, context))
  const { deadline } = request.work
  const ask = async (wanted: Ask) => await asks.carryOut(wanted)
  const host = { ask, onOver: () => asks.end(), onLine, deadline, requestId: request.id }
  // In one go: nobody else may teach it something else in between.
  if (lesson) sandbox.teach(lesson.modules, lesson.texts)
  const modules = lesson?.modules.key ?? null
  const call = sandbox.call({ ...input, modules, script: { source: sourceOf(script), hash, text } }, host)
  return await inTime(context, call.result, () => sandbox.forget(call.number))
}

// A little before the request's own time is over, so that what is known of the script is answered.
async function inTime({ request }: RunContext, result: Promise<Ended>, giveUp = () => {}): Promise<Ended> {
  const leftMs = Math.max(0, request.work.deadline - performance.now() - SCRIPT_TIMEOUT_MARGIN_MS)
  return await new Promise<Ended>((resolve, reject) => {
    const timer = setTimeout(() => {
      giveUp()
      resolve({ kind: 'timed_out' })
    }, leftMs)
    result.then((ended) => {
      clearTimeout(timer)
      resolve(ended)
    }, reject)
  })
}

// What the sandbox is to be taught. An extension `startup` of the service has been called there when this is known.
async function beginIn(sandbox: SandboxProcess, context: RunContext) {
  const lesson = await lessonFor(sandbox, context)
  const script = startupOf(context.service.assignment)
  if (lesson === null || !script) return lesson
  const { modules, texts } = lesson
  await sandbox.once(modules, async () => {
    sandbox.teach(modules, texts)
    await runStartup(sandbox, context, { script, modules })
  })
  // Another version of the modules may have been taught meanwhile.
  return await lessonFor(sandbox, context)
}

// The service's modules, with the texts that the sandbox may lack; null when there are none.
async function lessonFor(sandbox: SandboxProcess, context: RunContext) {
  const { assignment } = context.service
  const modules = modulesOf(assignment)
  if (modules === null) return null
  if (sandbox.knowsModules(modules)) return { modules, texts: new Map<string, string>() }
  // Many may wait for the same: they are read once.
  const key = `${assignment.id} ${modules.key}`
  const reading = readings.get(key) ?? readTexts(context, modules).finally(() => readings.delete(key))
  readings.set(key, reading)
  return { modules, texts: await reading }
}

const readings = new Map<string, Promise<Map<string, string>>>()

async function readTexts(context: RunContext, modules: ModuleSet): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for (const script of context.service.assignment.scripts) {
    if (Object.hasOwn(modules.files, script.name)) texts.set(script.hash, await textOf(context, script))
  }
  return texts
}

async function textOf({ scripts, service }: RunContext, script: ScriptAssignment): Promise<string> {
  const text = await scripts.findText(service.assignment, script)
  if (text === null) throw unavailable(`The script '${script.name}' of this service has not arrived here yet.`)
  return text
}

function answerOf(context: RunContext, about: { source: string; asks: RunAsks }, result: Ended): ScriptAnswer {
  const { request, service, scripts } = context
  const { source, asks } = about
  switch (result.kind) {
    case 'answered':
      return result.answer
    case 'timed_out':
      scripts.log(service.assignment.name, {
        ...{ source, level: 'error', requestId: request.id },
        message: 'The script did not answer in time.',
      })
      throw asks.hasWritten ? outcomeUnknown(TIMED_OUT_TEXT) : timedOut()
    case 'lost':
      // A script that blocks is told from one that waits its turn behind it by nobody: all get the same.
      if (result.isCulprit && result.cause.kind !== 'blocked') throw scriptFailed(result.cause)
      throw asks.hasWritten ? outcomeUnknown(refusalText(result.cause)) : unavailable(refusalText(result.cause))
    case 'unsent':
      throw unavailable('The scripts of this service could not be started.')
  }
}
