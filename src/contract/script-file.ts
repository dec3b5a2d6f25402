// The file of a script, wherever scripts lie in files: a repository, a folder that was downloaded, the original's tools.
import { JSON_MODULE } from './assignment.ts'
import { LOCK_FILE, PACKAGE_FILE } from './npm-modules.ts'

/** `table/TodoItem.insert` → `table/TodoItem.insert.js`; what is JSON is a file of its own name. */
export function scriptFileOf(script: string): string {
  const isJson = script === PACKAGE_FILE || script === LOCK_FILE || JSON_MODULE.test(script)
  return isJson ? script : `${script}.js`
}
