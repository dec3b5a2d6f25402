// How a service does where it runs, for whoever has its master key: the runtime, and the way to its database.
import { type Answer, jsonAnswer, methodNotAllowed } from './answer.ts'
import { unauthorized } from './app-faults.ts'
import type { AppRequest } from './app-request.ts'
import { isMaster } from './credentials.ts'
import type { ServedService } from './services.ts'

/** Answers `GET /diagnostics`: 503 when the database does not answer. `version`: of this runtime. */
export async function answerDiagnostics(request: AppRequest, service: ServedService, version: string): Promise<Answer> {
  if (!isMaster(request.headers, service.assignment)) throw unauthorized()
  if (request.method !== 'GET') return methodNotAllowed('GET')
  const startedAt = performance.now()
  const look = { text: 'select 1', values: [], isWrite: false }
  const isThere = await service.database.run(look, request.work).then(
    () => true,
    () => false,
  )
  const latencyMS = Math.round(performance.now() - startedAt)
  const statusCode = isThere ? 200 : 503
  const { name } = service.assignment
  const body = {
    service: {
      description: 'The runtime of the service',
      status: { runtimeVersion: version, serviceName: name, uptime: uptimeText(process.uptime()) },
    },
    tables: { sql: { description: 'The database of its tables', status: { statusCode, latencyMS } } },
  }
  return jsonAnswer(statusCode, JSON.stringify(body))
}

/** Seconds as the original showed them: `dd.hh:mm:ss`. */
export function uptimeText(seconds: number): string {
  const of = (unit: number, most: number) => String(Math.floor(seconds / unit) % most).padStart(2, '0')
  return `${of(86_400, Number.POSITIVE_INFINITY)}.${of(3_600, 24)}:${of(60, 60)}:${of(1, 60)}`
}
