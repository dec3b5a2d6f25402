// What a gateway's own process, and the host's that joins it with the runtime, use of the processors for a request of an
// app: carried in the gateway's fast lane, and read by Node's server, which a header makes of the same request. In turns,
// a few seconds each: whatever else the machine does meets both alike.
// Usage: npm run bench:gateway -- [seconds] [rounds]      default: 2 5
import { AppCloud } from './app-cloud.ts'
import { fill, READ_TABLE, warmUp, worksOf } from './app-work.ts'
import { load, processorMicros, type Target } from './load.ts'
import { summarise } from './statistics.ts'

const CONNECTIONS = [1, 16, 64]
const WORKS = ['get by id', 'insert']
/** Trailers are nothing that the fast lane knows, and dropped on the way. */
const BY_NODE = { te: 'trailers' }

type Measured = { gateway: number[]; host: number[]; perSecond: number[] }

const seconds = Number(process.argv[2] ?? 2)
const rounds = Number(process.argv[3] ?? 5)
const cloud = await AppCloud.start()
try {
  const lane = cloud.gateway
  const targets: Record<string, Target> = { lane, node: { ...lane, headers: { ...lane.headers, ...BY_NODE } } }
  const ids = await fill(lane, `/tables/${READ_TABLE}`, (row) => (row as { id: string }).id)
  const works = worksOf(ids)
  for (const target of Object.values(targets)) {
    for (const work of WORKS) await warmUp(target, works[work] ?? [])
  }
  console.log('| | connections | n | gateway µs | host µs | a second |\n| --- | --- | --- | --- | --- | --- |')
  for (const work of WORKS) for (const connections of CONNECTIONS) await compare(work, connections, targets)

  async function compare(work: string, connections: number, places: Record<string, Target>): Promise<void> {
    const all = new Map<string, Measured>()
    for (let round = 0; round < rounds; round += 1) {
      for (const [place, target] of Object.entries(places)) {
        const measured = all.get(place) ?? { gateway: [], host: [], perSecond: [] }
        all.set(place, measured)
        const pids = [cloud.cloud.rolePid('gateway'), cloud.cloud.rolePid('west-us')]
        const before = pids.map((pid) => processorMicros([pid]))
        const { perSecond, timesMicros } = await load(target, works[work] ?? [], { connections, seconds })
        const used = pids.map((pid, at) => (processorMicros([pid]) - (before[at] ?? 0)) / timesMicros.length)
        measured.gateway.push(used[0] ?? Number.NaN)
        measured.host.push(used[1] ?? Number.NaN)
        measured.perSecond.push(perSecond)
      }
    }
    for (const [place, { gateway, host, perSecond }] of all) {
      const [own, beside, rate] = [gateway, host, perSecond].map((values) => summarise(values).median)
      console.log(`| ${work}, ${place} | ${connections} | ${rounds} | ${own} | ${beside} | ${rate} |`)
    }
  }
} finally {
  await cloud.dispose()
}
