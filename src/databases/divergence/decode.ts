// Decoding what a lost primary committed and its standby never got, from its data folder started as a reader.
import pg from 'pg'
import { ID_COLUMN, OWN_TABLES } from '../../contract/table-format.ts'
import { waitFor } from '../../kit/clock.ts'
import { Fault } from '../../kit/fault.ts'
import { quoteLiteral } from '../../kit/identifiers.ts'
import { DIVERGENCE_FETCH_ROWS, DIVERGENCE_PART_BYTES, POSTGRES_START_MS_MAX } from '../../kit/limits.ts'
import { DIVERGENCE_SLOT, PUBLICATION } from '../app-schema.ts'
import { formatLsn, parseLsn } from '../replication.ts'
import { oldRowOf, type PgoutputMessage, parseMessage, type Relation, rowOf } from './pgoutput.ts'
import { ROW_TEXT_SETTINGS } from './row-text.ts'
import type { Row, StrandedChange, StrandedTransaction } from './stranded.ts'

type Begin = Extract<PgoutputMessage, { kind: 'begin' }>

/**
 * The transactions whose commit lies at or after `forkLsn`, in the order of their commits; our own probe's are left
 * out. `client` is a superuser's in the apps database of a cluster that was started as a reader. Nothing is consumed:
 * it can be asked again. Faults with `divergence.undecodable` where the lost primary lacks what decoding needs.
 */
export async function* decodeStranded(client: pg.Client, forkLsn: string): AsyncGenerator<StrandedTransaction> {
  await requireDecodable(client, forkLsn)
  const assembly = new Assembly(parseLsn(forkLsn))
  for await (const message of peekMessages(client)) yield* assembly.add(message)
}

/** Waits until a reader has read all the WAL that its folder has, and gives its end: before, less would be decoded. */
export async function waitForWalEnd(client: pg.Client): Promise<string> {
  return await waitFor(
    'the end of the WAL of a lost primary',
    async () => {
      // It opens for queries before it has read everything. Once it sleeps between two looks for more, that was all.
      const found = await client.query<{ lsn: string }>(
        `select pg_last_wal_replay_lsn()::text as lsn from pg_stat_activity
          where backend_type = 'startup' and wait_event = 'RecoveryRetrieveRetryInterval'`,
      )
      return found.rows[0]?.lsn
    },
    { withinMs: POSTGRES_START_MS_MAX },
  )
}

// Each way in which transactions could be missing without an error is told before anything is decoded.
async function requireDecodable(client: pg.Client, forkLsn: string): Promise<void> {
  const endLsn = await waitForWalEnd(client)
  if (parseLsn(endLsn) < parseLsn(forkLsn)) {
    throw undecodable(`its WAL ends at ${endLsn}, before ${forkLsn}, where the promoted server left it`)
  }
  const found = await client.query<{ wal_status: string | null; confirmed: string | null; reason: string | null }>(
    `select wal_status, confirmed_flush_lsn::text as confirmed, to_jsonb(s)->>'invalidation_reason' as reason
       from pg_replication_slots s where slot_name = $1 and database = current_database()`,
    [DIVERGENCE_SLOT],
  )
  const slot = found.rows[0]
  if (!slot) throw undecodable(`it has no slot ${DIVERGENCE_SLOT}, without which its WAL cannot be decoded`)
  if (slot.wal_status === 'lost' || slot.reason !== null || slot.confirmed === null) {
    throw undecodable(`its slot ${DIVERGENCE_SLOT} is lost (${slot.reason ?? slot.wal_status})`)
  }
  if (parseLsn(slot.confirmed) > parseLsn(forkLsn)) {
    throw undecodable(`its slot ${DIVERGENCE_SLOT} begins at ${slot.confirmed}, after ${forkLsn}, where it was left`)
  }
}

// One pass over all that the slot holds. PostgreSQL keeps it in temporary files and the cursor takes it in small pages,
// so neither side holds it in memory; asking in batches would decode from the slot's position again each time.
async function* peekMessages(client: pg.Client): AsyncGenerator<Buffer> {
  await client.query(`begin read only; ${ROW_TEXT_SETTINGS}`)
  try {
    await client.query(
      `declare stranded no scroll cursor for select data from pg_logical_slot_peek_binary_changes(
         ${quoteLiteral(DIVERGENCE_SLOT)}, null, null,
         'proto_version', '1', 'publication_names', ${quoteLiteral(PUBLICATION)})`,
    )
    for (;;) {
      const page = await client.query<{ data: Buffer }>(`fetch ${DIVERGENCE_FETCH_ROWS} from stranded`)
      for (const { data } of page.rows) yield data
      if (page.rows.length < DIVERGENCE_FETCH_ROWS) return
    }
  } catch (error) {
    throw translate(error)
  } finally {
    // A connection that broke has ended it, too, and the error that broke it is on its way.
    await client.query('rollback').catch(() => {})
  }
}

// What PostgreSQL says when the catalog, the publication or a WAL file is not there. Anything else may pass.
const UNDECODABLE = ['42704', '55000', '58P01', 'XX000', 'XX001']
const SLOT_IN_USE = '55006'

function translate(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error
  if (error.code === SLOT_IN_USE) {
    return new Fault('divergence.busy', 409, `somebody decodes it just now: ${error.message}`, { cause: error })
  }
  return UNDECODABLE.includes(error.code ?? '') ? undecodable(error.message, error) : error
}

function undecodable(why: string, cause?: unknown): Fault {
  return new Fault('divergence.undecodable', 409, `what the lost primary wrote last cannot be decoded: ${why}`, {
    hint: 'Its data folder is kept whole, and can be read as it is.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Puts messages together to transactions, and lets go of long ones in parts. */
class Assembly {
  readonly #forkLsn: bigint
  readonly #relations = new Map<number, Relation>()
  #begin: Begin | null = null
  #changes: StrandedChange[] = []
  #bytes = 0

  constructor(forkLsn: bigint) {
    this.#forkLsn = forkLsn
  }

  *add(buffer: Buffer): Generator<StrandedTransaction> {
    const message = parseMessage(buffer)
    switch (message.kind) {
      case 'relation':
        this.#relations.set(message.relation.id, message.relation)
        return
      case 'begin':
        this.#begin = message.commitLsn >= this.#forkLsn ? message : null
        return
      case 'commit':
        if (this.#changes.length > 0) yield this.#take(false)
        this.#begin = null
        return
      case 'other':
        return
      default: {
        // One that the standby had as well.
        if (this.#begin === null) return
        const changes = this.#changesOf(message)
        if (changes.length === 0) return
        if (this.#bytes > 0 && this.#bytes + buffer.length > DIVERGENCE_PART_BYTES) yield this.#take(true)
        this.#changes.push(...changes)
        this.#bytes += buffer.length
      }
    }
  }

  #take(isContinued: boolean): StrandedTransaction {
    if (!this.#begin) throw new TypeError('a change comes after the begin of its transaction')
    const { xid, commitLsn, committedAt } = this.#begin
    const changes = this.#changes
    this.#changes = []
    this.#bytes = 0
    return { xid, commitLsn: formatLsn(commitLsn), committedAt, isContinued, changes }
  }

  #changesOf(message: Extract<PgoutputMessage, { kind: StrandedChange['kind'] }>): StrandedChange[] {
    const ids = message.kind === 'truncate' ? message.relationIds : [message.relationId]
    return ids.map((id) => changeOf(this.#relation(id), message)).filter(({ table }) => !OWN_TABLES.includes(table))
  }

  #relation(id: number): Relation {
    const relation = this.#relations.get(id)
    if (!relation) throw new TypeError(`pgoutput tells of relation ${id} before it changes`)
    return relation
  }
}

function changeOf(
  relation: Relation,
  message: Extract<PgoutputMessage, { kind: StrandedChange['kind'] }>,
): StrandedChange {
  const { schema, table } = relation
  const make = (before: Row | null, after: Row | null): StrandedChange => {
    const key = before?.[ID_COLUMN] ?? after?.[ID_COLUMN] ?? null
    return { schema, table, kind: message.kind, key, before, after }
  }
  switch (message.kind) {
    case 'insert':
      return make(null, rowOf(relation, message.after))
    case 'update': {
      // Known by its key alone, a row before is not whole, and nobody can tell whether it is still the same.
      const old = message.before?.kind === 'full' ? oldRowOf(relation, message.before) : null
      return make(old, rowOf(relation, message.after, old))
    }
    case 'delete':
      return make(oldRowOf(relation, message.before), null)
    case 'truncate':
      return make(null, null)
  }
}
