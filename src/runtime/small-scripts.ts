// Which scripts of tables are small, found out once for each text.
import type { ScriptOperation } from '../sandbox/messages.ts'
import { readSmallScript, type SmallScript } from './small-script.ts'

/** As many texts are remembered, each with what evaluates it: some kilobytes at most. */
const KNOWN_MAX = 1_000

export class SmallScripts {
  /** By operation and hash, the oldest first; null: a sandbox runs it. */
  readonly #known = new Map<string, SmallScript | null>()

  /** What evaluates it; null when it is not small, undefined while that is not known: see `learn`. */
  find(hash: string, operation: ScriptOperation): SmallScript | null | undefined {
    return this.#known.get(keyOf(hash, operation))
  }

  /** Reads its text. */
  learn({ hash, text }: { hash: string; text: string }, operation: ScriptOperation): SmallScript | null {
    const found = readSmallScript(text, operation)
    this.#known.set(keyOf(hash, operation), found)
    const [oldest] = this.#known.keys()
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest)
    return found
  }
}

function keyOf(hash: string, operation: string): string {
  return `${operation} ${hash}`
}
