// What the client's offline store finds in an app of Cordova: the plugin for SQLite, here over SQLite in the browser.
// Bundlers of its time put this in; it is asked only whether something is one.
globalThis.Buffer = { isBuffer: () => false }
globalThis.cordova = { version: '12.0.0' }

const rowsOf = (found) => {
  const [{ columns, values } = { columns: [], values: [] }] = found
  const rows = values.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]])))
  return { rows: { length: rows.length, item: (at) => rows[at] } }
}

globalThis.sqlitePlugin = {
  openDatabase: (_options, opened) => {
    const database = new globalThis.SQL.Database()
    const run = (sql, values = []) =>
      rowsOf(database.exec(sql, values.map((value) => (value === undefined ? null : value))))
    const self = {
      executeSql: (sql, values, done, failed) => {
        let result
        try {
          result = run(sql, values)
        } catch (error) {
          failed(error)
          return
        }
        done(result)
      },
      transaction: (work, failed, done) => {
        database.exec('begin')
        try {
          const transaction = {
            executeSql: (sql, values, then) => {
              const result = run(sql, values)
              if (then) then(transaction, result)
            },
          }
          work(transaction)
          database.exec('commit')
        } catch (error) {
          database.exec('rollback')
          failed(error)
          return
        }
        done()
      },
      close: (done) => {
        database.close()
        done()
      },
    }
    setTimeout(() => opened(self))
    return self
  },
}
