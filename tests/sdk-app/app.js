// A page of an app that is built on a client of the original, as it comes from npm: what the tests have it do.
import './cordova.js'
import { MobileServiceClient, MobileServiceSqliteStore, Query } from 'azure-mobile-apps-client'
import initSqlJs from 'sql.js'
import sqlWasm from 'sql.js/dist/sql-wasm.wasm?url'

// Of Cordova this app has the store only: it signs in as a page does, in a window.
globalThis.cordova = undefined

const url = new URLSearchParams(location.search).get('service')
const columns = { id: 'string', text: 'string', done: 'boolean', version: 'string', deleted: 'boolean' }
const client = new MobileServiceClient(url)
const notes = client.getTable('Note')
const notesHere = client.getSyncTable('Note')
const sync = client.getSyncContext()

/** Who pushes decides what becomes of a conflict: ours, with the server's version, or theirs. */
const winners = {
  mine: async (error) => await error.update({ ...error.getClientRecord(), version: error.getServerRecord().version }),
  // The client does not read the row that comes with a 409: the next pull brings it.
  theirs: async (error) => {
    const server = error.getServerRecord()
    return server ? await error.cancelAndUpdate(server) : await error.cancelAndDiscard()
  },
}

globalThis.app = {
  signedIn: null,
  user: () => client.currentUser?.userId ?? null,
  insert: async (item) => await notes.insert(item),
  update: async (item) => await notes.update(item),
  remove: async (item) => await notes.del(item),
  lookup: async (id) => await notes.lookup(id),
  open: async () => {
    const query = notes.where({ done: false }).orderByDescending('text').includeTotalCount()
    const rows = await query.read()
    return { rows: rows.map(({ id }) => id), total: rows.totalCount }
  },
  called: async (start) => {
    const begins = function (text) {
      return this.text.toLowerCase().indexOf(text) === 0
    }
    return (await notes.where(begins, start).read()).map(({ id }) => id)
  },
  api: async (name) => (await client.invokeApi(name, { method: 'get' })).result,
  /** What an operation fails with, as an app can see it. */
  failure: async (name, ...given) => {
    try {
      await globalThis.app[name](...given)
      return null
    } catch ({ message, serverInstance, request }) {
      return { message, status: request?.status, serverInstance }
    }
  },
  /** Begins to work offline, with the client's own store. */
  goOffline: async () => {
    globalThis.SQL = await initSqlJs({ locateFile: () => sqlWasm })
    const store = new MobileServiceSqliteStore('notes.db')
    await store.defineTable({ name: 'Note', columnDefinitions: columns })
    await sync.initialize(store)
  },
  insertHere: async (item) => await notesHere.insert(item),
  updateHere: async (item) => await notesHere.update(item),
  removeHere: async (item) => await notesHere.del(item),
  push: async (winner) => {
    const conflicts = []
    sync.pushHandler = {
      onConflict: async (error) => {
        conflicts.push([error.getAction(), error.getClientRecord().id, error.getError().request.status])
        await winners[winner](error)
        error.isHandled = true
      },
    }
    const left = await sync.push()
    return { conflicts, left: left.length }
  },
  pull: async () => {
    await sync.pull(new Query('Note'), 'all-notes')
    const rows = await notesHere.read(new Query('Note'))
    return rows.map(({ id, text, done }) => ({ id, text, done })).sort((left, right) => (left.id < right.id ? -1 : 1))
  },
}

document.getElementById('sign-in').onclick = async () => {
  // Its promises are of their time: `await` knows them, `catch` they do not have.
  try {
    globalThis.app.signedIn = { userId: (await client.login('google')).userId }
  } catch (error) {
    globalThis.app.signedIn = { error: String(error?.message ?? error) }
  }
  document.getElementById('who').textContent = JSON.stringify(globalThis.app.signedIn)
}
