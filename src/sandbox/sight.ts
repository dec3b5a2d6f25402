// What a sandbox sees of the machine it runs on.
import { readdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import type { Sight } from './messages.ts'

/** Looks around: the evidence that its border holds. */
export function look(): Sight {
  return { pid: process.pid, interfaces: Object.keys(networkInterfaces()).length, rootEntries: entriesOf('/') }
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
