// How fast apps are answered, against a bare node:http server over `pg` that runs the same statements on the same
// PostgreSQL: throughput, times and processors' time of gets by id, pages, inserts and inserts through scripts, at the
// runtime itself and through the gateway; and the memory of services without traffic. All of one row is measured in
// turns, a few seconds each: whatever else the machine does meets all alike. Only the ratios mean something elsewhere.
// A splice that does nothing stands beside the gateway: what a process in between costs at least on this machine.
// Usage: npm run bench:runtime -- [seconds] [rounds]      default: 2 5
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { POOL_CONNECTIONS_MAX } from '../src/kit/limits.ts'
import { AppCloud } from './app-cloud.ts'
import { fill, INSERT_SCRIPTS, inserts, PAGE_ROWS, READ_TABLE, WRITTEN_TABLE, warmUp, worksOf } from './app-work.ts'
import type { BareOptions } from './bare-server.ts'
import { measureIdleServices } from './idle-services.ts'
import { type Asked, load, processorMicros, type Target } from './load.ts'
import { printTable, type Summary, summarise } from './statistics.ts'

const CONNECTIONS = [1, 16, 64]
/** What the issue of speed asks for: the share of the ceiling's throughput, and what may be added. */
const TARGETS = { ofBare: 0.7, ofScript: 1.25, scriptMs: 1, ofDirect: 0.75 }

type Place = 'bare' | 'runtime' | 'splice' | 'gateway'
const PLACES: Place[] = ['bare', 'runtime', 'splice', 'gateway']
type Cell = { perSecond: number[]; timesMicros: number[]; usedMicros: number[]; ownMicros: number[] }
/** By the name of the work and the place. */
type Cells = Map<string, Cell>

const seconds = Number(process.argv[2] ?? 2)
const rounds = Number(process.argv[3] ?? 5)
await measureIdleServices()
const cloud = await AppCloud.start()
let bare: ChildProcess | null = null
let splice: ChildProcess | null = null
try {
  const { child, port } = await startSplice()
  splice = child
  const targets: Record<Place, Target> = {
    bare: { url: 'http://bare', socketPath: join(cloud.cloud.home, 'bare.sock'), headers: {} },
    runtime: cloud.runtime,
    splice: { url: `http://127.0.0.1:${port}`, headers: cloud.runtime.headers },
    gateway: cloud.gateway,
  }
  const ids = await fill(targets.gateway, `/tables/${READ_TABLE}`, (row) => (row as { id: string }).id)
  const written = [WRITTEN_TABLE, ...Object.keys(INSERT_SCRIPTS)]
  for (const table of written) await warmUp(targets.gateway, inserts(`/tables/${table}`))
  bare = await startBare(targets.bare.socketPath ?? '')
  const works = worksOf(ids)
  for (const place of PLACES) {
    for (const requests of Object.values(works)) await warmUp(targets[place], requests)
  }
  for (const connections of CONNECTIONS) {
    const cells: Cells = new Map()
    for (let round = 0; round < rounds; round += 1) {
      for (const [work, requests] of Object.entries(works)) {
        for (const place of inTurns(PLACES, round)) {
          await measure(cells, { work, place, requests, connections, target: targets[place] })
        }
      }
    }
    report(cells, connections)
  }
} finally {
  bare?.kill()
  splice?.kill()
  await cloud.dispose()
}

async function startBare(socketPath: string): Promise<ChildProcess> {
  const { schema, user, password, database } = cloud.assigned.database
  const login = { host: cloud.postgresFolder, user, password, database }
  const options: BareOptions = { socketPath, schema, connections: POOL_CONNECTIONS_MAX, database: login }
  const child = fork(new URL('./bare-server.ts', import.meta.url), [JSON.stringify(options)])
  await once(child, 'message')
  return child
}

async function startSplice(): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(new URL('./bare-splice.ts', import.meta.url), [cloud.runtime.socketPath ?? ''])
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

async function measure(
  cells: Cells,
  about: { work: string; place: Place; requests: Asked[]; connections: number; target: Target },
): Promise<void> {
  const key = `${about.work}, ${about.place}`
  const cell = cells.get(key) ?? { perSecond: [], timesMicros: [], usedMicros: [], ownMicros: [] }
  cells.set(key, cell)
  // Looked up each time: connections and sandboxes come and go.
  const { runtime, way, postgres } = cloud.processes
  const between = [...runtime, splice?.pid ?? 0]
  const ours = { bare: [bare?.pid ?? 0], runtime, splice: between, gateway: way }[about.place]
  const before = { own: processorMicros(ours), postgres: processorMicros(postgres) }
  const { perSecond, timesMicros } = await load(about.target, about.requests, {
    connections: about.connections,
    seconds,
  })
  const own = processorMicros(ours) - before.own
  cell.perSecond.push(perSecond)
  cell.timesMicros.push(...timesMicros)
  cell.ownMicros.push(own / timesMicros.length)
  cell.usedMicros.push((own + processorMicros(postgres) - before.postgres) / timesMicros.length)
}

function inTurns<T>(all: readonly T[], round: number): T[] {
  return all.map((_, index) => all[(index + round) % all.length] as T)
}

function report(cells: Cells, connections: number): void {
  console.log(`\n${connections === 1 ? 'One connection' : `${connections} connections`}\n`)
  const rows: Record<string, Summary> = {}
  const facts: Record<string, string> = {}
  for (const [name, { perSecond, timesMicros, ownMicros, usedMicros }] of cells) {
    rows[name] = summarise(timesMicros)
    const [own, all] = [medianOf(ownMicros).toFixed(0), medianOf(usedMicros).toFixed(0)]
    facts[name] = `${medianOf(perSecond).toFixed(0)}/s; processors ${own} µs, with PostgreSQL ${all} µs a request`
  }
  printTable(rows, 'µs')
  for (const [name, fact] of Object.entries(facts)) console.log(`${name}: ${fact}`)
  const of = (work: string, place: Place): Cell => {
    const cell = cells.get(`${work}, ${place}`)
    if (!cell) throw new Error(`${work} was not measured`)
    return cell
  }
  for (const work of new Set([...cells.keys()].map((name) => name.slice(0, name.lastIndexOf(','))))) {
    const share = (place: Place, whole: Place) => ratio(of(work, place).perSecond, of(work, whole).perSecond)
    judge(`${work}: runtime / bare`, share('runtime', 'bare'), { least: TARGETS.ofBare })
    judge(`${work}: gateway / runtime`, share('gateway', 'runtime'), { least: TARGETS.ofDirect })
    const [ceiling, reached] = [share('splice', 'runtime').toFixed(2), share('gateway', 'splice').toFixed(2)]
    console.log(`     ${work}: splice / runtime ${ceiling}, gateway / splice ${reached}`)
  }
  for (const work of ['get by id', `list of ${PAGE_ROWS}`, 'insert']) {
    const share = ratio(of(work, 'runtime').usedMicros, of(work, 'bare').usedMicros).toFixed(2)
    console.log(`     ${work}: runtime / bare ${share} of the processors' time, with PostgreSQL's`)
  }
  const plain = of('insert', 'runtime')
  for (const work of ['insert, scripted', 'insert, sandboxed']) {
    const scripted = of(work, 'runtime')
    judge(`${work} / plain: processors`, ratio(scripted.usedMicros, plain.usedMicros), { most: TARGETS.ofScript })
    const addedMs = (summarise(scripted.timesMicros).median - summarise(plain.timesMicros).median) / 1_000
    judge(`${work} - plain: ms of the median`, addedMs, { most: TARGETS.scriptMs })
  }
}

// Of what was measured in the same round, so of the same seconds; the median of the rounds.
function ratio(left: number[], right: number[]): number {
  return medianOf(left.map((value, round) => value / (right[round] ?? Number.NaN)))
}

function medianOf(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function judge(
  what: string,
  value: number,
  { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: { least?: number; most?: number },
): void {
  const wanted = Number.isFinite(least) ? `at least ${least}` : `at most ${most}`
  console.log(`${value >= least && value <= most ? 'ok  ' : 'MISS'} ${what} ${value.toFixed(2)} (${wanted})`)
}
