// Lines of a stream of bytes, ended by line feeds only: other characters that end lines elsewhere may stand in them.
import { Fault } from './fault.ts'

const LINE_FEED = 10

/** The lines as UTF-8 text, without their line feeds; the last one may lack it. Faults with `lines.too_long`. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: false })
  let parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stream) {
    let from = 0
    for (let to = chunk.indexOf(LINE_FEED); to >= 0; to = chunk.indexOf(LINE_FEED, from)) {
      parts.push(chunk.subarray(from, to))
      yield decoder.decode(Buffer.concat(parts))
      parts = []
      bytes = 0
      from = to + 1
    }
    if (from === chunk.length) continue
    parts.push(chunk.subarray(from))
    bytes += chunk.length - from
    if (bytes > bytesMax) throw new Fault('lines.too_long', 400, `a line has more than ${bytesMax} bytes`)
  }
  if (parts.length > 0) yield decoder.decode(Buffer.concat(parts))
}
