// Many histories, each core of this machine taking its share: a thread runs this very file.
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { makeScenario, runScenario } from './scenario.ts'

/** The seeds `from`, `from + step`, … below `until`. */
type Share = { from: number; until: number; step: number }
/** What happened in histories, and the first seed that broke a promise. */
export type Seen = { writes: number; promotions: number; consumed: number; violatedBy: number | null }

const NOTHING: Seen = { writes: 0, promotions: 0, consumed: 0, violatedBy: null }

/** Runs the histories of `runs` seeds from `from` on. */
export async function runMany(from: number, runs: number): Promise<Seen> {
  const step = Math.min(availableParallelism(), runs)
  const shares = Array.from({ length: step }, (_, index) => ({ from: from + index, until: from + runs, step }))
  return (await Promise.all(shares.map(runElsewhere))).reduce(add, NOTHING)
}

async function runElsewhere(share: Share): Promise<Seen> {
  const worker = new Worker(new URL(import.meta.url), { workerData: share })
  return await new Promise<Seen>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('a thread ended without a result')))
  })
}

function runShare({ from, until, step }: Share): Seen {
  const seen = { ...NOTHING }
  for (let seed = from; seed < until; seed += step) {
    const { world, violation } = runScenario(makeScenario(seed))
    if (violation) return { ...seen, violatedBy: seed }
    seen.writes += world.invariants.acknowledgedWrites
    seen.promotions += world.invariants.promotions
    seen.consumed += world.invariants.consumed
  }
  return seen
}

function add(one: Seen, other: Seen): Seen {
  const violations = [one.violatedBy, other.violatedBy].filter((seed) => seed !== null)
  return {
    writes: one.writes + other.writes,
    promotions: one.promotions + other.promotions,
    consumed: one.consumed + other.consumed,
    violatedBy: violations.length > 0 ? Math.min(...violations) : null,
  }
}

if (!isMainThread && parentPort) {
  // A refusal is a Fault, and a fifth of the time went into their stacks; a seed that fails is run again with them.
  Error.stackTraceLimit = 0
  parentPort.postMessage(runShare(workerData as Share))
}
