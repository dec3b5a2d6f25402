// Shared scripts as the original's management protocol lists them: files of a folder.
import type { ScriptView } from '../contract/api.ts'
import { JSON_MODULE } from '../contract/assignment.ts'
import { scriptFileOf } from '../contract/script-file.ts'

/** A file of that folder; `href`: where the folder is. Clients keep what ends in `.js`. */
export function sharedEntry({ name, bytes, createdAt }: ScriptView, href: string) {
  const file = scriptFileOf(name).slice(name.indexOf('/') + 1)
  return {
    name: file,
    size: bytes,
    mtime: createdAt,
    mime: mimeOf(name),
    href: `${href}/${file.split('/').map(encodeURIComponent).join('/')}`,
    path: `service/shared/${file}`,
  }
}

/** What a script is to whoever reads it. */
export function mimeOf(name: string): string {
  return JSON_MODULE.test(name) ? 'application/json' : 'application/javascript'
}
