// Carries operations out: takes one that nobody holds, runs its steps in order, writes each result before the next.
import type { Kysely } from 'kysely'
import type { StepProgress } from '../contract/api.ts'
import type { ControlDatabase, OperationState, StoredStep } from '../contract/control-schema.ts'
import { pause } from '../kit/clock.ts'
import { Fault, faultBody, messageOf } from '../kit/fault.ts'
import { faultPoint } from '../kit/fault-points.ts'
import { randomId } from '../kit/identifiers.ts'
import { OPERATION_LEASE_MS, STEP_MS_MAX } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import {
  claimOperation,
  type Operation,
  type OperationChange,
  renewOperation,
  saveOperation,
  subjectOf,
} from './operations.ts'

/** Not yet is not an error. */
export type StepResult =
  | { kind: 'done'; detail?: string }
  | { kind: 'wait'; forMs: number; reason: string; progress?: StepProgress | null }

/** Not yet, for that reason: looked at again after a while. */
export function notYet(reason: string, forMs: number, progress: StepProgress | null = null): StepResult {
  return { kind: 'wait', forMs, reason, progress }
}

/** What a step may remember for later ones; part of the row. Changed in place, written when the step ends or waits. */
export type StepContext = { operation: Operation; facts: Record<string, unknown>; attempt: number }

/** A step is idempotent and ends by verifying its own postcondition. */
export type Step = {
  name: string
  run: (context: StepContext) => Promise<StepResult>
  /** Codes of faults that here mean: not yet. Beside those that always do. */
  passing?: readonly string[]
  /** It moves data and may take hours: it says how far it is, and is not ended for taking long. Or only for some. */
  isEndless?: true | ((operation: Operation) => boolean)
}

/** Writes the operation's end inside the transaction that makes it true: both happen, or neither. */
export type EndOperation = (trx: Kysely<ControlDatabase>, change: OperationChange) => Promise<void>

export type OperationKind = {
  steps: Step[]
  /** All steps are done: the last row changes, and what the operation reports. Must call `end` once. */
  finish: (context: StepContext, end: EndOperation) => Promise<void>
  /** A step failed for good: undo what can be undone, or say what a person must do. Must call `end` once. */
  fail: (context: StepContext, fault: Fault, end: EndOperation) => Promise<void>
}

/** An operation that ended, for whoever counts them. */
export type EndedOperation = { kind: string; state: OperationState; ms: number }

export type RunnerListeners = { onChange: () => void; onEnd: (ended: EndedOperation) => void }

const PASSING_WAIT_MS = 100
const INTERRUPTIONS = /^(operation\.taken_over|control\.database_)/

export class OperationRunner {
  readonly #db: Kysely<ControlDatabase>
  readonly #kinds: Record<string, OperationKind>
  readonly #log: Log
  readonly #active = new Map<string, Promise<void>>()
  readonly #listeners: RunnerListeners

  constructor(db: Kysely<ControlDatabase>, kinds: Record<string, OperationKind>, log: Log, listeners: RunnerListeners) {
    this.#db = db
    this.#kinds = kinds
    this.#log = log
    this.#listeners = listeners
  }

  /** Takes and starts everything that is free now. */
  async startFree(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (signal.aborted) return
      // A name of its own for each claim: a run that was taken over, even by this process, must notice.
      const holder = randomId()
      const operation = await claimOperation(this.#db, holder, Object.keys(this.#kinds))
      if (!operation) return
      const running = this.#run(operation, holder, signal).finally(() => this.#active.delete(holder))
      this.#active.set(holder, running)
    }
  }

  /** Waits until what runs here has noticed the abort. */
  async settle(): Promise<void> {
    await Promise.all(this.#active.values())
  }

  async #run(operation: Operation, holder: string, signal: AbortSignal): Promise<void> {
    const lost = new AbortController()
    // Held by whoever lives: a step that takes long keeps its claim by renewing it, and stops when it has lost it.
    const renewing = setInterval(() => {
      renewOperation(this.#db, operation.id, holder).catch((error) => {
        if (error instanceof Fault) lost.abort()
      })
    }, OPERATION_LEASE_MS / 5)
    try {
      await this.#runSteps(operation, holder, AbortSignal.any([signal, lost.signal]))
    } catch (error) {
      // Taken over, or the database is away: the row says where it stands, and the next holder goes on from there.
      this.#log.error({ operation: operation.id, err: error }, 'operation interrupted')
    } finally {
      clearInterval(renewing)
      this.#listeners.onChange()
    }
  }

  async #runSteps(operation: Operation, holder: string, signal: AbortSignal): Promise<void> {
    const kind = this.#kinds[operation.kind]
    if (!kind) throw new TypeError(`no operation of kind ${operation.kind}`)
    const steps = operation.steps
    const context: StepContext = { operation, facts: operation.facts, attempt: 0 }
    const about = { operation: operation.id, kind: operation.kind, subject: subjectOf(operation) }
    this.#log.info(about, 'operation taken')
    let state: OperationState = 'running'
    const write = async (db: Kysely<ControlDatabase>, change: OperationChange) => {
      await saveOperation(db, operation.id, holder, { steps, facts: context.facts, ...change })
      state = change.state ?? state
    }
    const save = async (change: OperationChange) => {
      await write(this.#db, change)
      this.#listeners.onChange()
    }
    for (const step of kind.steps) {
      const stored = steps.find((entry) => entry.name === step.name)
      if (!stored || stored.state === 'done') continue
      faultPoint(`${operation.kind}.${step.name}.begun`)
      const fault = await this.#runStep(step, stored, context, { signal, save })
      if (signal.aborted) return
      if (!fault) {
        faultPoint(`${operation.kind}.${step.name}.saved`)
        continue
      }
      Object.assign(stored, { state: 'failed', detail: fault.message })
      this.#log.warn({ operation: operation.id, step: step.name, err: fault }, 'step failed')
      const error = faultBody(fault)
      await kind.fail(context, fault, async (trx, change) => await write(trx, { error, ...change }))
      this.#noteEnd(operation, state)
      faultPoint(`${operation.kind}.failed`)
      return
    }
    await kind.finish(context, async (trx, change) => await write(trx, { state: 'succeeded', next: null, ...change }))
    this.#noteEnd(operation, state)
    faultPoint(`${operation.kind}.finished`)
  }

  #noteEnd(operation: Operation, state: OperationState): void {
    const { id, kind } = operation
    const ms = Date.now() - operation.started_at.getTime()
    this.#log.info({ operation: id, kind, subject: subjectOf(operation), state, ms }, 'operation ended')
    this.#listeners.onEnd({ kind, state, ms })
  }

  // Gives the fault that ended the step, or null when it is done.
  async #runStep(
    step: Step,
    stored: StoredStep,
    context: StepContext,
    run: { signal: AbortSignal; save: (change: OperationChange) => Promise<void> },
  ): Promise<Fault | null> {
    const startedAt = performance.now()
    stored.state = 'running'
    stored.startedAt ??= new Date().toISOString()
    stored.attempts += 1
    await run.save({})
    const isEndless = typeof step.isEndless === 'function' ? step.isEndless(context.operation) : step.isEndless === true
    let reason = ''
    for (;;) {
      context.attempt += 1
      try {
        const result = await runOrWait(step, context)
        if (result.kind === 'done') {
          faultPoint(`${context.operation.kind}.${step.name}.done`)
          const ms = Math.round(performance.now() - startedAt)
          Object.assign(stored, { state: 'done', ms, detail: result.detail ?? null, progress: null })
          await run.save({})
          this.#log.info({ operation: context.operation.id, step: step.name, ms }, 'step done')
          return null
        }
        if (result.reason !== reason) {
          reason = result.reason
          stored.detail = reason
          stored.progress = result.progress ?? null
          await run.save({})
        }
        if (!isEndless && performance.now() - startedAt > STEP_MS_MAX) {
          return new Fault('operation.step_timed_out', 504, `${stored.sentence}: still waiting for ${reason}`)
        }
        await pause(result.forMs, run.signal)
        if (run.signal.aborted) return new Fault('operation.interrupted', 503, 'control is stopping')
      } catch (error) {
        // Not the step's fault: it is run again when the database is back, by whoever holds the operation then.
        if (error instanceof Fault && INTERRUPTIONS.test(error.code)) throw error
        if (error instanceof Fault) return error
        this.#log.error({ operation: context.operation.id, step: step.name, err: error }, 'a bug in a step')
        return new Fault('operation.step_failed', 500, `${stored.sentence}: ${messageOf(error)}`)
      }
    }
  }
}

/** True for a host that starts again, and does not answer for a second or two; one that is lost has another code. */
export function isNotAnswering(error: unknown): error is Fault {
  return error instanceof Fault && error.code === 'machine.not_answering'
}

async function runOrWait(step: Step, context: StepContext): Promise<StepResult> {
  try {
    return await step.run(context)
  } catch (error) {
    const isPassing = isNotAnswering(error) || (error instanceof Fault && step.passing?.includes(error.code) === true)
    if (!isPassing) throw error
    return notYet(`an answer: ${error.message}`, PASSING_WAIT_MS)
  }
}
