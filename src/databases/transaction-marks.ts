// How many transactions a standby is behind: a primary remembers how many there had been at which place in its WAL.
import { parseLsn } from './replication.ts'

type Mark = { lsn: bigint; transactions: bigint }

// One a second: what is further behind than this is told by bytes and time.
const MARKS_MAX = 600

export class TransactionMarks {
  #marks: Mark[] = []

  /** `nextTransaction`: the number that the next one gets, as PostgreSQL tells it (`pg_snapshot_xmax`). */
  note(lsn: string, nextTransaction: string): void {
    const mark = { lsn: parseLsn(lsn), transactions: BigInt(nextTransaction) }
    const last = this.#marks.at(-1)
    // Of another cluster, or of before a restore.
    if (last && (mark.lsn < last.lsn || mark.transactions < last.transactions)) this.#marks = []
    this.#marks.push(mark)
    if (this.#marks.length > MARKS_MAX) this.#marks.shift()
  }

  /** At most so many are after that place; null when it was passed too long ago to know. */
  after(lsn: string): number | null {
    const place = parseLsn(lsn)
    const passed = this.#marks.findLast((mark) => mark.lsn <= place)
    const last = this.#marks.at(-1)
    return passed && last ? Number(last.transactions - passed.transactions) : null
  }
}
