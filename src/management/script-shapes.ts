// Shared scripts as the original's management protocol lists them: files of a folder.
import type { ScriptView } from '../contract/api.ts'

/** A file of that folder; `href`: where the folder is. Clients keep what ends in `.js`. */
export function sharedEntry({ name, bytes, createdAt }: ScriptView, href: string) {
  const file = `${name.slice(name.indexOf('/') + 1)}.js`
  return {
    name: file,
    size: bytes,
    mtime: createdAt,
    mime: 'application/javascript',
    href: `${href}/${file.split('/').map(encodeURIComponent).join('/')}`,
    path: `service/shared/${file}`,
  }
}
