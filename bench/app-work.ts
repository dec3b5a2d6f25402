// The work that bench:runtime and bench:peers do on every server: rows of a table that is only read, gets by id, a page
// with a filter, inserts, and inserts through scripts.
import { type Asked, load, type Target } from './load.ts'

export type Row = { text: string; number: number; complete: boolean }

export const READ_TABLE = 'Catalogue'
export const WRITTEN_TABLE = 'Order'
export const SCRIPTED_TABLE = 'Checked'
export const SANDBOXED_TABLE = 'Counted'
/** The scripts of these: one that the runtime evaluates, and one that a sandbox runs, since it has a loop. */
export const INSERT_SCRIPTS = {
  [SCRIPTED_TABLE]: 'function insert(item, user, request) { if (item.number < 0) item.number = 0; request.execute(); }',
  [SANDBOXED_TABLE]: `function insert(item, user, request) {
    var words = 1;
    for (var i = 0; i < item.text.length; i += 1) if (item.text.charAt(i) === ' ') words += 1;
    item.number = words;
    request.execute();
  }`,
}
export const PAGE_ROWS = 50
/** Of nearly every row, so that a page costs the same wherever it begins. */
export const FILTER = 'complete eq false and number gt 10'

const ROWS = 2_000
const FILLING_CONNECTIONS = 16

/** What is inserted as row `number`. */
export function rowOf(number: number): Row {
  return { text: `Row ${number} of what an app keeps, as long as a short note is`, number, complete: number % 10 === 0 }
}

/** Inserts the rows that are only read; gives the ids that `idIn` finds in the answers. */
export async function fill(target: Target, path: string, idIn: (answer: unknown) => string): Promise<string[]> {
  const ids: string[] = []
  const insertSome = async (first: number) => {
    for (let number = first; number < ROWS; number += FILLING_CONNECTIONS) {
      const body = JSON.stringify(rowOf(number))
      const headers = { 'content-type': 'application/json', ...target.headers }
      const answer = await fetch(`${target.url}${target.prefix ?? ''}${path}`, { method: 'POST', headers, body })
      if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
      ids.push(idIn(await answer.json()))
    }
  }
  await Promise.all(Array.from({ length: FILLING_CONNECTIONS }, async (_, first) => await insertSome(first)))
  return ids
}

/** Gets of rows far apart. */
export function gets(path: (id: string) => string, ids: string[]): Asked[] {
  return ids.filter((_, index) => index % 20 === 0).map((id) => ({ method: 'GET', path: path(id) }))
}

/** Inserts of a few different rows. */
export function inserts(path: string): Asked[] {
  return Array.from({ length: 20 }, (_, number) => ({ method: 'POST', path, body: JSON.stringify(rowOf(number)) }))
}

/** All of it as apps of ours ask for it, by its names; `ids` are those of the rows that are only read. */
export function worksOf(ids: string[]): Record<string, Asked[]> {
  const filter = encodeURIComponent(FILTER)
  return {
    'get by id': gets((id) => `/tables/${READ_TABLE}/${id}`, ids),
    [`list of ${PAGE_ROWS}`]: [{ method: 'GET', path: `/tables/${READ_TABLE}?$filter=${filter}&$top=${PAGE_ROWS}` }],
    insert: inserts(`/tables/${WRITTEN_TABLE}`),
    'insert, scripted': inserts(`/tables/${SCRIPTED_TABLE}`),
    'insert, sandboxed': inserts(`/tables/${SANDBOXED_TABLE}`),
  }
}

/** So that connections are open, plans are made and code is compiled before anything is measured. */
export async function warmUp(target: Target, requests: Asked[]): Promise<void> {
  await load(target, requests, { connections: 16, seconds: 2 })
}
