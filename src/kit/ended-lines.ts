// Lines that tell where they end: the last one has their count and checksum, so that nothing is missing unnoticed.
import { createHash, type Hash } from 'node:crypto'
import { Fault } from './fault.ts'

/** `sha256` (hex) is of all lines before it, each with its line feed. */
type End = { end: { lines: number; sha256: string } }

const END = '{"end":'

/** The lines, and the one that ends them. */
export async function* endLines(lines: AsyncIterable<string>): AsyncGenerator<string> {
  const tally = new Tally()
  for await (const line of lines) {
    tally.add(line)
    yield line
  }
  yield JSON.stringify(tally.end())
}

/** The lines without the one that ends them. Faults with `lines.damaged` when they are not what that one says. */
export async function* checkEnd(lines: AsyncIterable<string>): AsyncGenerator<string> {
  const tally = new Tally()
  for await (const line of lines) {
    if (line.startsWith(END)) {
      if (line === JSON.stringify(tally.end())) return
      throw new Fault('lines.damaged', 400, 'the file is not what its last line says')
    }
    tally.add(line)
    yield line
  }
  throw new Fault('lines.damaged', 400, 'the file ends before its last line: it was cut short')
}

class Tally {
  readonly #hash: Hash = createHash('sha256')
  #lines = 0

  add(line: string): void {
    this.#hash.update(`${line}\n`)
    this.#lines += 1
  }

  end(): End {
    return { end: { lines: this.#lines, sha256: this.#hash.copy().digest('hex') } }
  }
}
