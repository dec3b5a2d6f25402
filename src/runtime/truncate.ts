// Emptying a table for its operator, some rows at a time: each round is one statement that ends well within its time.
import { Fault } from '../kit/fault.ts'
import { quoteIdentifier } from '../kit/identifiers.ts'
import { TRUNCATE_ROWS_MAX } from '../kit/limits.ts'
import { type Answer, jsonAnswer, methodNotAllowed } from './answer.ts'
import { unauthorized } from './app-faults.ts'
import type { AppRequest } from './app-request.ts'
import { isMaster } from './credentials.ts'
import type { Leases } from './leases.ts'
import { findTable, type ServedService } from './services.ts'
import { faultOfSql } from './sql-errors.ts'

/**
 * Answers POST to TRUNCATE_PATH with `{ table }`: how many rows went; fewer than TRUNCATE_ROWS_MAX means that none is
 * left. Rows are deleted, not truncated away: what a lost primary deleted must be readable row by row afterwards.
 */
export async function answerTruncate(request: AppRequest, service: ServedService, leases: Leases): Promise<Answer> {
  const { assignment, database } = service
  if (request.method !== 'POST') return methodNotAllowed('POST')
  if (!isMaster(request.headers, assignment)) throw unauthorized()
  const table = findTable(assignment, nameOf(await request.readBody()))
  if (!table) throw new Fault('app.not_found', 404, 'There is no such table.')
  const name = `${quoteIdentifier(assignment.database.schema)}.${quoteIdentifier(table.name)}`
  const text =
    `with gone as (delete from ${name} where ctid = any(array(select ctid from ${name} limit ${TRUNCATE_ROWS_MAX})) ` +
    'returning 1) select count(*)::int as deleted from gone'
  return await leases.guard({ server: assignment.database.server, isWrite: true }, async () => {
    try {
      const [row] = await database.run<{ deleted: number }>({ text, values: [], isWrite: true }, request.work)
      return jsonAnswer(200, JSON.stringify({ deleted: row?.deleted ?? 0 }))
    } catch (error) {
      throw faultOfSql(error, true)
    }
  })
}

function nameOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'table' in body ? String(body.table) : ''
}
