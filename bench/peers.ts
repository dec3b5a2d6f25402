// The same work on Mainstay and on parse-server, on one PostgreSQL, in turns: a get by id, a page with a filter, an
// insert, and inserts through scripts (Cloud Code, `beforeSave`). parse-server is installed on demand outside of
// this package. Mainstay is asked as apps ask it, through the gateway, and at its runtime, which is what parse-server
// has of that.
// Usage: npm run bench:peers -- [seconds] [rounds] [folder where parse-server is installed]
// default: 2 5
import { connectInside } from '../tests/support/cloud.ts'
import { AppCloud, SERVER } from './app-cloud.ts'
import {
  fill,
  gets,
  inserts,
  PAGE_ROWS,
  READ_TABLE,
  SANDBOXED_TABLE,
  SCRIPTED_TABLE,
  WRITTEN_TABLE,
  warmUp,
  worksOf,
} from './app-work.ts'
import { type Asked, load, type Target } from './load.ts'
import { PEER, type PeerDatabase, PeerServer } from './peer-server.ts'
import { printTable, type Summary, summarise } from './statistics.ts'

const CONNECTIONS = [1, 16, 64]
const LOGIN = { database: 'peer', user: 'peer', password: 'peer-password' }

/** One server, and what is sent to it for each work. */
type Contender = { name: string; target: Target; works: Record<string, Asked[]> }

const seconds = Number(process.argv[2] ?? 2)
const rounds = Number(process.argv[3] ?? 5)
const cloud = await AppCloud.start()
let peer: PeerServer | null = null
try {
  peer = await PeerServer.start(await makeDatabase(), process.argv[4] ?? null)
  const contenders = [...(await ourselves()), await parseServer(peer.target)]
  for (const { target, works } of contenders) {
    for (const requests of Object.values(works)) await warmUp(target, requests)
  }
  for (const connections of CONNECTIONS) await compare(contenders, connections)
} finally {
  await peer?.stop()
  await cloud.dispose()
}

async function makeDatabase(): Promise<PeerDatabase> {
  const client = await connectInside(cloud.cloud, 'west-us', SERVER)
  try {
    await client.query(`create role ${LOGIN.user} login password '${LOGIN.password}'`)
    await client.query(`create database ${LOGIN.database} owner ${LOGIN.user}`)
  } finally {
    await client.end()
  }
  return { host: cloud.postgresFolder, ...LOGIN }
}

async function ourselves(): Promise<Contender[]> {
  const ids = await fill(cloud.gateway, `/tables/${READ_TABLE}`, (row) => (row as { id: string }).id)
  const works = worksOf(ids)
  return [
    { name: 'Mainstay, gateway', target: cloud.gateway, works },
    { name: 'Mainstay, runtime', target: cloud.runtime, works },
  ]
}

async function parseServer(target: Target): Promise<Contender> {
  const classOf = (table: string) => `/classes/${table}`
  const ids = await fill(target, classOf(READ_TABLE), (row) => (row as { objectId: string }).objectId)
  const where = encodeURIComponent(JSON.stringify({ complete: false, number: { $gt: 10 } }))
  const works = {
    'get by id': gets((id) => `${classOf(READ_TABLE)}/${id}`, ids),
    [`list of ${PAGE_ROWS}`]: one(`${classOf(READ_TABLE)}?where=${where}&limit=${PAGE_ROWS}&order=objectId`),
    insert: inserts(classOf(WRITTEN_TABLE)),
    'insert, scripted': inserts(classOf(SCRIPTED_TABLE)),
    'insert, sandboxed': inserts(classOf(SANDBOXED_TABLE)),
  }
  return { name: PEER, target, works }
}

async function compare(contenders: Contender[], connections: number): Promise<void> {
  const times = new Map<string, number[]>()
  const rates = new Map<string, number[]>()
  const works = Object.keys(contenders[0]?.works ?? {})
  for (let round = 0; round < rounds; round += 1) {
    for (const work of works) {
      for (let turn = 0; turn < contenders.length; turn += 1) {
        const contender = contenders[(turn + round) % contenders.length]
        if (!contender) continue
        const { perSecond, timesMicros } = await load(contender.target, contender.works[work] ?? [], {
          connections,
          seconds,
        })
        const key = `${work}, ${contender.name}`
        times.set(key, [...(times.get(key) ?? []), ...timesMicros])
        rates.set(key, [...(rates.get(key) ?? []), perSecond])
      }
    }
  }
  console.log(`\n${connections === 1 ? 'One connection' : `${connections} connections`}\n`)
  const ordered = works.flatMap((work) => contenders.map(({ name }) => `${work}, ${name}`))
  const rows = ordered.map((key): [string, Summary] => [key, summarise(times.get(key) ?? [])])
  printTable(Object.fromEntries(rows), 'µs')
  for (const work of works) {
    const [theirs = Number.NaN] = [medianOf(rates.get(`${work}, ${PEER}`) ?? [])]
    for (const { name } of contenders.filter((contender) => contender.name !== PEER)) {
      const ours = medianOf(rates.get(`${work}, ${name}`) ?? [])
      const word = ours > theirs ? 'ahead ' : 'BEHIND'
      console.log(
        `${word} ${work}, ${name}: ${ours.toFixed(0)}/s against ${theirs.toFixed(0)}/s, ${(ours / theirs).toFixed(2)} times`,
      )
    }
  }
}

function one(path: string): Asked[] {
  return [{ method: 'GET', path }]
}

function medianOf(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
