// A new server from what a vault holds of another, in any region, to any moment; nothing is needed from the other.
import type { Kysely } from 'kysely'
import { audit } from '../accounts/audit.ts'
import type { Caller } from '../accounts/caller.ts'
import type { Seal } from '../accounts/seal.ts'
import type { DryRunView, RestoreServer, StepProgress } from '../contract/api.ts'
import type { BackupTarget, RestoreOutline } from '../contract/backup.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { ServerFacts } from '../contract/facts.ts'
import { Fault } from '../kit/fault.ts'
import { STEP_MS_MAX } from '../kit/limits.ts'
import { beginClaim, type Claim, type ClaimOptions, planClaim } from '../operations/claims.ts'
import { insertOperation, serverOf } from '../operations/operations.ts'
import { isOutOfPatience, type Patience } from '../operations/patience.ts'
import { transact } from '../operations/rehearsal.ts'
import type { OperationKind, StepResult } from '../operations/runner.ts'
import type { Field } from '../regions/field.ts'
import { bumpDesired, getRegion, listRegions } from '../regions/regions.ts'
import { type BackupDeps, requireKnown } from './backup-operations.ts'
import { freeServerName, requireFreeServerName, requireServerName } from './server-names.ts'
import { standbyStep, stillWaiting } from './server-operations.ts'
import { endServer, getServer, insertServer, isServerHeld, primaryOf, type Server } from './servers.ts'
import { askVault, findVaultHost } from './vault-calls.ts'

export type RestoreDeps = Omit<BackupDeps, 'field'> & { field: Field }

// What another try of the host cannot mend; a vault that is away comes back.
const HOPELESS = /^(restore\.|backup\.|vault\.(?!unreachable))/

const STEPS = [
  { name: 'restore', sentence: 'Restoring it' },
  { name: 'standby', sentence: 'Building its standby' },
]

/** Checks everything, the vault included, and writes the new server and its operation. Returns the operation's id. */
export async function beginRestoreServer(
  deps: RestoreDeps,
  caller: Caller,
  source: string,
  wanted: RestoreServer,
  key: string | null,
): Promise<string> {
  return await beginClaim(deps.db, { caller, key }, async (how) => await claim(deps, caller, source, wanted, how))
}

/** What a restore would do: from which backup, how much is fetched; faults as it would, and changes nothing. */
export async function planRestoreServer(
  deps: RestoreDeps,
  caller: Caller,
  source: string,
  wanted: RestoreServer,
): Promise<DryRunView> {
  return await planClaim(async (how) => await claim(deps, caller, source, wanted, how))
}

async function claim(
  deps: RestoreDeps,
  caller: Caller,
  source: string,
  wanted: RestoreServer,
  how: ClaimOptions,
): Promise<Claim> {
  const { db, seal, field } = deps
  const row = await requireKnown(db, source)
  const target = parseTarget(wanted.to ?? 'latest')
  await field.settle()
  const [first] = await listRegions(db)
  const region = wanted.location === undefined ? first : await getRegion(db, wanted.location)
  if (!region) throw new Fault('region.unknown', 404, 'there is no region yet', { hint: 'Start a host first.' })
  const machine = findVaultHost(deps, region.name)
  const question = { path: `/vault/${source}/outline`, body: { target } }
  const outline = await askVault<RestoreOutline>(deps, machine, question)
  if (wanted.name !== undefined) requireServerName(wanted.name)
  return await transact(db, how, async (trx) => {
    const name = wanted.name ?? (await freeServerName(trx, `${source}-restored`))
    await requireFreeServerName(trx, name)
    await insertRestored(trx, seal, { name, region: region.slug, machine, source: row, target })
    const operationId = await insertOperation(trx, {
      kind: 'restore_server',
      caller,
      subject: { server: name },
      input: { source, target, outline },
      steps: STEPS,
      idempotencyKey: how.idempotencyKey,
    })
    await trx.updateTable('servers').set({ operation_id: operationId }).where('name', '=', name).execute()
    const after = { source, target, region: region.name, machine }
    await audit(trx, caller, { action: 'sql restore', subject: name, after, operationId })
    await bumpDesired(trx)
    const changes = [
      `Create server ${name} in ${region.name}, on ${machine}, from backup ${outline.backup} of ${source}`,
      `It has everything up to ${outline.restoresTo}; ${outline.bytes} bytes are fetched, with ${outline.walObjects} piece(s) of WAL`,
      ...outline.notes,
    ]
    return { operationId, changes }
  })
}

/** Writes a server that is to be made from what a vault holds of another. */
export async function insertRestored(
  trx: Kysely<ControlDatabase>,
  seal: Seal,
  wanted: { name: string; region: string; machine: string; source: Server; target: BackupTarget },
): Promise<void> {
  const { name, region, machine, source, target } = wanted
  await insertServer(trx, seal, { name, region, machine, isDefault: false, protection: 'async' })
  // Roles and their passwords are restored with the rest.
  const { superuser_password, replication_password } = source
  const made = { superuser_password, replication_password, restored_from: source.name }
  const set = { ...made, restore_target: JSON.stringify(target) }
  await trx.updateTable('servers').set(set).where('name', '=', name).execute()
}

/** `latest`, a moment, or the id of a backup. Faults with `restore.bad_target`. */
export function parseTarget(text: string): BackupTarget {
  if (text === 'latest') return { kind: 'latest' }
  if (/^\d{8}T\d{6}Z-[0-9a-f]+$/.test(text)) return { kind: 'backup', id: text }
  const at = Date.parse(text)
  // A date alone would mean midnight, which nobody means.
  if (!Number.isNaN(at) && /\d{1,2}:\d{2}/.test(text)) return { kind: 'time', at: new Date(at).toISOString() }
  throw new Fault('restore.bad_target', 400, `'${text}' is no moment and no backup`, {
    hint: 'Give latest, a moment such as 2026-11-25T14:03:20Z, or a backup of mainstay sql backup list.',
  })
}

/** How a restore is carried out. */
export function restoreServerKind(deps: RestoreDeps): OperationKind {
  const { db, field } = deps
  return {
    steps: [
      {
        name: 'restore',
        isEndless: true,
        run: async ({ operation, facts }) => await untilRestored(deps, serverOf(operation), facts),
      },
      standbyStep(deps, 'standby'),
    ],
    finish: async (_context, end) => await end(db, {}),
    async fail({ operation }, _fault, end) {
      await db.transaction().execute(async (trx) => {
        // While it is held nothing is on it.
        if (await isServerHeld(trx, operation)) await endServer(trx, serverOf(operation))
        await end(trx, { state: 'failed', next: `mainstay sql backup list ${operation.input.source}` })
      })
      await field.push()
    },
  }
}

/**
 * Waits until a server is restored, also for a machine that is lost, which may start again and go on; `facts` remembers
 * for how long, up to `lostMsMax`. Faults with `region.unreachable` then, or with `backup.failed`.
 */
export async function untilRestored(
  { db, field }: Pick<RestoreDeps, 'db' | 'field'>,
  name: string,
  facts: Patience,
  lostMsMax = STEP_MS_MAX,
): Promise<StepResult> {
  const { machine } = primaryOf(await getServer(db, name))
  if (isOutOfPatience(facts, !field.isReachable(machine), lostMsMax)) {
    throw new Fault('region.unreachable', 503, `${machine}, where it is restored, cannot be reached`, {
      hint: 'See what is lost and what to do: mainstay status',
    })
  }
  await field.push()
  const answer = await field.askHost(machine).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'door.unreachable') return null
    throw error
  })
  if (answer === null) return stillWaiting(`${machine}, which cannot be reached`)
  const found = answer.servers.find((entry) => entry.name === name)
  if (found?.state === 'running') return { kind: 'done', detail: `on ${machine}` }
  if (found?.state === 'failed' && HOPELESS.test(found.problemCode ?? '')) {
    throw new Fault('backup.failed', 500, found.problem ?? 'the restore failed')
  }
  const step = found?.restore?.step ?? found?.state ?? 'not there yet'
  const progress = found?.restore && progressOf(found.restore)
  if (!progress || found?.problem) return stillWaiting(found?.problem ?? `${machine}: ${step}`)
  return stillWaiting(`${machine}: ${step}, ${shareOf(progress)} %`, progress)
}

/** How far a restore is, how fast, and how long it will take at that rate. */
export function progressOf(restore: NonNullable<ServerFacts['restore']>): StepProgress | null {
  const { doneBytes, totalBytes, elapsedMs = 0 } = restore
  if (totalBytes <= 0) return null
  const rate = elapsedMs > 0 ? Math.round((doneBytes / elapsedMs) * 1_000) : 0
  const isMoving = rate > 0 && doneBytes < totalBytes
  return {
    doneBytes,
    totalBytes,
    bytesPerSecond: rate > 0 ? rate : null,
    secondsLeft: isMoving ? Math.ceil((totalBytes - doneBytes) / rate) : null,
  }
}

function shareOf({ doneBytes, totalBytes }: StepProgress): number {
  return Math.floor((100 * doneBytes) / totalBytes)
}
