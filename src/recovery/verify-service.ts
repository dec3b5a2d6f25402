// Verifies a service: what its runtime goes by, what its database holds, and on demand its standby or a backup against
// it. Everything is looked at; what is wrong ends the operation as failed, named.
import type { Kysely } from 'kysely'
import type { Caller } from '../accounts/caller.ts'
import type { VerifyService } from '../contract/api.ts'
import type { BackupTarget } from '../contract/backup.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { ProbeAnswer } from '../contract/facts.ts'
import type { CheckAnswer, CheckBackupAnswer, CheckBackupRequest, CheckRequest } from '../contract/service-check.ts'
import { digestsOf } from '../contract/service-digests.ts'
import { parseTarget } from '../databases/restore-server.ts'
import { getServer, primaryOf, requireManaged, standbyOf } from '../databases/servers.ts'
import { requireVaultAt, stepOfJob } from '../databases/vault-calls.ts'
import { Fault } from '../kit/fault.ts'
import { PROBLEMS_TOLD_MAX } from '../kit/limits.ts'
import { insertOperation, type Operation, serviceIdOf, subjectOf } from '../operations/operations.ts'
import { isOutOfPatience } from '../operations/patience.ts'
import { notYet, type OperationKind, type StepContext, type StepResult } from '../operations/runner.ts'
import { requireReachable } from '../regions/hosts.ts'
import { apiDefinitionOf, listApis } from '../services/apis.ts'
import { appSettingsOf } from '../services/app-settings.ts'
import { authOf } from '../services/auth-providers.ts'
import { definitionOf, listJobs } from '../services/jobs.ts'
import { pushSettingsOf } from '../services/push-settings.ts'
import { listCurrentScripts } from '../services/scripts.ts'
import { getService, getServiceById, listTables, type Service } from '../services/services.ts'
import { intakeOf } from '../services/settings.ts'
import { probeTarget } from './proof.ts'
import type { RecoveryDeps } from './recover-facts.ts'
import { askForBackup } from './service-data.ts'
import { foundText, note, placeOf, VERIFY_AGAIN_MS, type VerifyFacts } from './verify-facts.ts'
import { compareStandby } from './verify-standby.ts'

type Against = { kind: 'standby' } | { kind: 'backup'; target: BackupTarget }
type VerifyInput = { against: Against | null }

const STEPS = {
  runtime: 'Asking its runtime what it goes by',
  data: 'Looking at its tables, indexes and rows',
  standby: 'Comparing its standby',
  backup: 'Restoring the backup, and comparing it',
  verdict: 'Telling what was found',
}
const DIGEST_WORDS = {
  settings: 'settings',
  permissions: 'permissions',
  keys: 'keys',
  apis: 'custom APIs or app settings',
  auth: 'providers to sign in through, or where they hand over to',
  jobs: 'jobs',
  push: 'push settings',
}
const PROBE_MS_MAX = 3_000
const PASSING = ['door.unreachable', 'server.not_open']

/** Begins it. Faults when there is nothing to compare with. Returns the operation's id. */
export async function beginVerifyService(
  deps: RecoveryDeps,
  caller: Caller,
  name: string,
  wanted: VerifyService,
): Promise<string> {
  const { db, field } = deps
  const service = await getService(db, caller.subscriptionId, name)
  await field.settle()
  requireReachable(field, service.machine, `'${service.name}'`)
  const server = await getServer(db, service.server)
  requireReachable(field, primaryOf(server).machine, `the primary of ${server.name}`)
  const against = parseAgainst(wanted.against)
  if (against !== null) requireManaged(server, 'what is compared with a copy of it')
  if (against?.kind === 'standby') {
    const standby = standbyOf(server)
    if (!standby || standby.standing === 'building') {
      throw new Fault('server.no_standby', 409, `${server.name} has no standby to compare with`, {
        hint: `See how it stands: mainstay sql server show ${server.name}`,
      })
    }
    requireReachable(field, standby.machine, `the standby of ${server.name}`)
  }
  if (against?.kind === 'backup') requireVaultAt({ ...deps.vault, field }, primaryOf(server).machine)
  return await insertVerification(db, caller, service, against)
}

/**
 * Begins it for a service that was moved, in the transaction that ends the move: apps are served already, and the data
 * is looked at as a whole, its standby's too where that is complete.
 */
export async function verifyAfterMove(trx: Kysely<ControlDatabase>, moved: Operation): Promise<void> {
  const service = await getServiceById(trx, serviceIdOf(moved))
  const standby = standbyOf(await getServer(trx, service.server))
  const caller = { subscriptionId: moved.subscription_id, principal: moved.principal }
  await insertVerification(trx, caller, service, standby?.standing === 'ready' ? { kind: 'standby' } : null)
}

async function insertVerification(
  db: Kysely<ControlDatabase>,
  caller: Caller,
  service: Service,
  against: Against | null,
): Promise<string> {
  const steps = Object.entries(STEPS).map(([step, sentence]) => ({ name: step, sentence }))
  return await insertOperation(db, {
    kind: 'verify_service',
    caller,
    subject: { service: { id: service.id, name: service.name }, server: service.server },
    input: { against } satisfies VerifyInput,
    steps: steps.filter(({ name: step }) => !['standby', 'backup'].includes(step) || step === against?.kind),
    idempotencyKey: null,
  })
}

function parseAgainst(text: string | undefined): Against | null {
  if (text === undefined) return null
  if (text.toLowerCase() === 'standby') return { kind: 'standby' }
  return { kind: 'backup', target: parseTarget(text.toLowerCase() === 'backup' ? 'latest' : text) }
}

/** How a service is verified. Nothing is held, and nothing is changed. */
export function verifyServiceKind(deps: RecoveryDeps): OperationKind {
  const { db } = deps
  return {
    steps: [
      {
        name: 'runtime',
        passing: PASSING,
        run: async (context) => await askRuntime(deps, context),
      },
      { name: 'data', isEndless: true, run: async (context) => await checkData(deps, context) },
      {
        name: 'standby',
        isEndless: true,
        passing: PASSING,
        run: async (context) => await compareStandby(deps, context),
      },
      { name: 'backup', isEndless: true, run: async (context) => await compareWithBackup(deps, context) },
      { name: 'verdict', run: async (context) => await tellVerdict(deps, context) },
    ],
    finish: async (_context, end) => await end(db, {}),
    fail: async ({ operation }, fault, end) => {
      await end(db, { state: 'failed', next: fault.hint ?? `mainstay mobile show ${subjectOf(operation)}` })
    },
  }
}

async function askRuntime(deps: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const service = await getServiceById(deps.db, serviceIdOf(context.operation))
  ;(context.facts as VerifyFacts).place ??= placeText(service)
  const answer = await probeOrNull(deps, context)
  if (answer === null) return notYet('its runtime to answer', VERIFY_AGAIN_MS)
  if (answer instanceof Fault) {
    note(context, [`its runtime does not answer as it must: ${answer.message}`])
    return { kind: 'done', detail: 'it does not answer' }
  }
  const problems = await runtimeProblems(deps, service, answer)
  note(context, problems)
  const scripts = answer.scripts?.length ?? 0
  return { kind: 'done', detail: `${answer.tables.length} table(s), ${scripts} script(s)${foundText(problems)}` }
}

// It may be just starting; what lasts is a finding, and what lies behind it is found by the steps that follow.
async function probeOrNull(deps: RecoveryDeps, { operation, facts }: StepContext): Promise<ProbeAnswer | Fault | null> {
  const known = facts as VerifyFacts
  try {
    const answer = await deps.field.probeRuntime(await probeTarget(deps, operation))
    isOutOfPatience(known, false)
    return answer
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'probe.failed') throw error
    return isOutOfPatience(known, true, PROBE_MS_MAX) ? error : null
  }
}

/** What a service's runtime has that is not in force, in words. */
export async function runtimeProblems(deps: RecoveryDeps, service: Service, answer: ProbeAnswer): Promise<string[]> {
  const tables = await listTables(deps.db, [service.id])
  const missing = answer.tables.filter(({ rows }) => rows === null).map(({ name }) => name)
  const unknown = tables.filter(({ name }) => answer.tables.every((table) => table.name !== name))
  const wanted = digestsOf({
    isSchemaDynamic: service.is_schema_dynamic,
    isKeyRequired: service.is_key_required,
    intake: intakeOf(service),
    tables: tables.map(({ name, permissions }) => ({ name, permissions })),
    apis: (await listApis(deps.db, [service.id])).map(apiDefinitionOf),
    jobs: (await listJobs(deps.db, [service.id])).map(definitionOf),
    appSettings: appSettingsOf(service, (sealed) => deps.seal.open(sealed)),
    auth: authOf(service, (sealed) => deps.seal.open(sealed)),
    push: pushSettingsOf(service, (sealed) => deps.seal.open(sealed)),
    applicationKey: deps.seal.open(service.application_key),
    masterKey: deps.seal.open(service.master_key),
  })
  const differing = (['settings', 'permissions', 'keys', 'apis', 'auth', 'jobs', 'push'] as const).filter(
    (part) => answer.digests?.[part] !== undefined && answer.digests[part] !== wanted[part],
  )
  const scripts = await listCurrentScripts(deps.db, [service.id])
  const wrong = scripts.filter(({ name, hash }) => answer.scripts?.find((one) => one.name === name)?.hash !== hash)
  return [
    ...missing.map((name) => `table ${name}: is defined, and not whole in the database`),
    ...unknown.map(({ name }) => `table ${name}: is defined, and its runtime does not serve it`),
    ...differing.map((part) => `its ${DIGEST_WORDS[part]} are not those in force where it is served`),
    ...wrong.map(({ name }) => `script ${name}: another text runs than the one in force, or none`),
  ]
}

async function checkData(deps: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const { operation } = context
  const { service, tables, integerTables, machine } = await placeOf(deps, operation)
  const { id: serviceId, schema_name: schema, epoch } = service
  const body: CheckRequest = { job: operation.id, serviceId, schema, epoch: Number(epoch), tables, integerTables }
  const order = { path: `/servers/${service.server}/check`, body }
  const found = await stepOfJob<CheckAnswer>(deps, machine, order, context.facts as VerifyFacts)
  if (found === null) return notYet(`${machine} to look at everything`, VERIFY_AGAIN_MS)
  note(context, found.problems)
  const seen = `${found.tables} table(s), ${found.rows} row(s), ${found.indexes} index(es)`
  const unchecked = (found.unchecked ?? []).map((what) => `; not looked at: ${what}`).join('')
  return { kind: 'done', detail: `${seen}${foundText(found.problems)}${unchecked}` }
}

async function compareWithBackup(deps: RecoveryDeps, context: StepContext): Promise<StepResult> {
  const { operation } = context
  const { against } = operation.input as VerifyInput
  const { service, tables, machine } = await placeOf(deps, operation)
  const target: BackupTarget = against?.kind === 'backup' ? against.target : { kind: 'latest' }
  const asked = await askForBackup(deps, operation, { service, from: service.server, target })
  const body: CheckBackupRequest = { ...asked, tables }
  const order = { path: `/servers/${service.server}/check-backup`, body }
  const found = await stepOfJob<CheckBackupAnswer>(deps, machine, order, context.facts as VerifyFacts)
  if (found === null) return notYet(`${machine} to restore and to compare`, VERIFY_AGAIN_MS)
  note(context, found.problems)
  const since = `${found.changed} changed and ${found.gone} deleted since`
  return { kind: 'done', detail: `${found.rows} row(s) of ${found.restoredTo}, ${since}${foundText(found.problems)}` }
}

async function tellVerdict(deps: RecoveryDeps, { operation, facts }: StepContext): Promise<StepResult> {
  const { problems = [], place } = facts as VerifyFacts
  const against = (operation.input as VerifyInput).against?.kind
  if (problems.length === 0) return { kind: 'done', detail: against ? `the same as its ${against}` : 'all is well' }
  const service = await getServiceById(deps.db, serviceIdOf(operation))
  if (service.operation_id !== null || placeText(service) !== place) {
    throw new Fault(
      'service.busy',
      409,
      `'${service.name}' was changed or moved meanwhile: what was seen says nothing`,
      {
        hint: `Look again: mainstay mobile verify ${service.name}`,
      },
    )
  }
  const more = problems.length > PROBLEMS_TOLD_MAX ? `; and ${problems.length - PROBLEMS_TOLD_MAX} more` : ''
  throw new Fault('verify.found', 500, `${problems.slice(0, PROBLEMS_TOLD_MAX).join('; ')}${more}`, {
    hint: 'What is wrong with rows is brought back by: mainstay sql restore-table SERVICE TABLE --to MOMENT',
  })
}

// Where it is, and whether it still is.
function placeText({ server, machine, epoch, ended_at }: Service): string {
  return `${server} ${machine} ${epoch} ${ended_at === null ? 'here' : 'gone'}`
}
