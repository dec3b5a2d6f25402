// SQL of scripts on its way to the runtime: made into PostgreSQL's here, where what a text costs is the service's own.
import type { CallUnderWay } from './call-under-way.ts'
import type { AskOutcome } from './messages.ts'
import type { SqlOutside } from './script-sql.ts'
import { type SqlNames, sqlStatements } from './sql-text.ts'
import { BYTES_KEY, DATE_KEY } from './wire.ts'

type Done = (outcome: AskOutcome) => void
type Wanted = Parameters<SqlOutside['run']>[0]

/** What PostgreSQL says of a table or a column that it does not know: ours may be an old list of names. */
const UNKNOWN_NAME = new Set(['42P01', '42703'])

/** The names of the service's tables, as they were last heard. */
let known: SqlNames | null = null

/** What `mssql` of a call needs of the outer world. */
export function sqlOutside(call: CallUnderWay): SqlOutside {
  return {
    run: (wanted, done) => {
      if (known) runWith(call, wanted, known, (outcome) => again(call, wanted, outcome, done))
      else learn(call, done, (names) => runWith(call, wanted, names, done))
    },
    open: (done) => call.ask({ op: 'sql_open' }, false, done),
    close: (session, done) => call.ask({ op: 'sql_close', session }, false, done),
    dateKey: DATE_KEY,
    bytesKey: BYTES_KEY,
  }
}

// A single statement that was refused for a name has done nothing.
function again(call: CallUnderWay, wanted: Wanted, outcome: AskOutcome, done: Done): void {
  const isUnknown = outcome.kind === 'failed' && UNKNOWN_NAME.has(outcome.sqlState ?? '')
  if (!isUnknown || wanted.session !== null || wanted.sql.includes(';')) {
    // The next one looks again.
    if (isUnknown) known = null
    done(outcome)
    return
  }
  learn(call, done, (names) => runWith(call, wanted, names, done))
}

function learn(call: CallUnderWay, done: Done, then: (names: SqlNames) => void): void {
  call.ask({ op: 'sql_names' }, false, (outcome) => {
    if (outcome.kind !== 'names') {
      done(outcome)
      return
    }
    const { schema, aliases, names } = outcome
    known = { schema, schemaNames: aliases, known: new Map(names.map((name) => [name.toLowerCase(), name])) }
    then(known)
  })
}

function runWith(call: CallUnderWay, { sql, values, session }: Wanted, names: SqlNames, done: Done): void {
  const statements = sqlStatements(sql, names)
  const wanted = statements.reduce((sum, { parameters }) => sum + parameters, 0)
  if (wanted !== values.length) {
    const message = `The SQL has ${wanted} question mark(s), and there are ${values.length} value(s).`
    call.tellSoon({ kind: 'failed', status: 400, message }, done)
    return
  }
  let at = 0
  const parts = statements.map(({ text, parameters }) => {
    at += parameters
    return { text, values: values.slice(at - parameters, at) }
  })
  call.ask({ op: 'sql', session, statements: parts }, false, done)
}
