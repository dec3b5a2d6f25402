// Our own probe of a service: a row of ours is written and read back, defined tables are counted. No user code runs.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { ProbeAnswer } from '../contract/facts.ts'
import { PACKAGE_FILE } from '../contract/npm-modules.ts'
import type { RuntimeService } from '../contract/runtime-channel.ts'
import { digestsOf } from '../contract/service-digests.ts'
import {
  CREATED_AT_COLUMN,
  ID_COLUMN,
  PROBE_TABLE,
  UPDATED_AT_COLUMN,
  VERSION_COLUMN,
} from '../contract/table-format.ts'
import { readTextIfAny } from '../kit/files.ts'
import { quoteIdentifier } from '../kit/identifiers.ts'
import { PROBE_TOKEN_LENGTH_MAX, PROBE_TRIES_MAX } from '../kit/limits.ts'
import { type Answer, jsonAnswer, methodNotAllowed } from './answer.ts'
import type { Work } from './app-database.ts'
import { badRequest, unauthorized } from './app-faults.ts'
import type { AppRequest } from './app-request.ts'
import { COLUMNS_SQL, type ColumnRow } from './columns.ts'
import { isMaster } from './credentials.ts'
import type { Leases } from './leases.ts'
import { hasModules } from './scripts.ts'
import type { ServedService } from './services.ts'
import { faultOfSql } from './sql-errors.ts'

const NEEDED_COLUMNS = [ID_COLUMN, CREATED_AT_COLUMN, UPDATED_AT_COLUMN, VERSION_COLUMN]

/** Answers POST to PROBE_PATH; the master key is needed. */
export async function answerProbe(request: AppRequest, service: ServedService, leases: Leases): Promise<Answer> {
  const { assignment } = service
  if (request.method !== 'POST') return methodNotAllowed('POST')
  if (!isMaster(request.headers, assignment)) throw unauthorized()
  const token = parseToken(await request.readBody())
  return await leases.guard({ server: assignment.database.server, isWrite: true }, async () => {
    try {
      const found = await writeAndRead(service, token, request.work)
      const tables: ProbeAnswer['tables'] = []
      for (const { name } of assignment.tables) {
        tables.push({ name, rows: await countRows(service, name, request.work) })
      }
      const { epoch, token: written } = found
      const scripts = await readScriptHashes(assignment)
      const digests = digestsOf(assignment)
      const answer: ProbeAnswer = { service: assignment.name, epoch, token: written, tables, scripts, digests }
      return jsonAnswer(200, JSON.stringify(answer))
    } catch (error) {
      throw faultOfSql(error, true)
    }
  })
}

// Probes through several gateways may run at once and share the one row: who reads another's token tries again.
async function writeAndRead(service: ServedService, token: string, work: Work) {
  const { database, assignment } = service
  const table = `${quoteIdentifier(assignment.database.schema)}.${quoteIdentifier(PROBE_TABLE)}`
  for (let attempt = 1; ; attempt += 1) {
    await database.run(
      {
        text:
          `insert into ${table} as t (id, token, epoch, written_at) values (1, $1, $2, clock_timestamp()) ` +
          'on conflict (id) do update ' +
          'set token = excluded.token, epoch = excluded.epoch, written_at = excluded.written_at',
        values: [token, String(assignment.epoch)],
        isWrite: true,
      },
      work,
    )
    const read = { text: `select token, epoch::text as epoch from ${table} where id = 1`, values: [], isWrite: false }
    const [row] = await database.run<{ token: string; epoch: string }>(read, work)
    const found = { token: row?.token ?? '', epoch: Number(row?.epoch ?? 0) }
    if (found.token === token || attempt >= PROBE_TRIES_MAX) return found
  }
}

type ScriptHashes = NonNullable<ProbeAnswer['scripts']>

async function readScriptHashes(service: RuntimeService): Promise<ScriptHashes> {
  const { scripts, scriptFolder } = service
  const areModulesHere = await hasModules(service)
  return await Promise.all(
    scripts.map(async ({ name, hash }) => {
      // It runs once what it asks for is here.
      if (name === PACKAGE_FILE && !areModulesHere) return { name, hash: null }
      const text = await readTextIfAny(join(scriptFolder, hash)).catch(() => null)
      return { name, hash: text === null ? null : createHash('sha256').update(text, 'utf8').digest('hex') }
    }),
  )
}

async function countRows(service: ServedService, table: string, work: Work): Promise<number | null> {
  const { schema } = service.assignment.database
  const columns = await service.database.run<ColumnRow>(
    { text: COLUMNS_SQL, values: [schema, table], isWrite: false },
    work,
  )
  if (NEEDED_COLUMNS.some((needed) => !columns.some(({ name }) => name === needed))) return null
  const text = `select count(*)::text as count from ${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
  const [row] = await service.database.run<{ count: string }>({ text, values: [], isWrite: false }, work)
  return Number(row?.count ?? 0)
}

function parseToken(body: unknown): string {
  if (typeof body === 'object' && body !== null && 'token' in body && typeof body.token === 'string') {
    const { token } = body
    if (token !== '' && token.length <= PROBE_TOKEN_LENGTH_MAX && !token.includes('\0')) return token
  }
  throw badRequest(`A probe needs a token of 1 to ${PROBE_TOKEN_LENGTH_MAX} characters.`)
}
