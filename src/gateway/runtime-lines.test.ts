import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { describe, mock, test } from 'node:test'
import { GATEWAY_KEPT_MS_MAX, GATEWAY_POOL_CONNECTIONS_MAX, GATEWAY_QUEUE_MAX } from '../kit/limits.ts'
import { type Passenger, type RuntimeLine, RuntimeLines } from './runtime-lines.ts'

/** Passes for a runtime's door: dials are answered when the test says so. */
class Doors {
  readonly #asked: PromiseWithResolvers<Socket>[] = []
  dials = 0

  dial = async (): Promise<Socket> => {
    const asked = Promise.withResolvers<Socket>()
    this.#asked.push(asked)
    this.dials += 1
    return await asked.promise
  }

  /** Opens the oldest that was asked for; gives its far end. */
  async open(): Promise<Duplex> {
    const [near, far] = duplexPair()
    this.#asked.shift()?.resolve(near as unknown as Socket)
    await turn()
    return far
  }

  async refuse(): Promise<void> {
    this.#asked.shift()?.reject(new Error('nobody there'))
    await turn()
  }
}

/** A request that notes what becomes of it. */
class Rider implements Passenger {
  line: RuntimeLine | null = null
  read = ''
  failed: string | null = null
  readonly #text: string

  constructor(text = 'x') {
    this.#text = text
  }

  board(line: RuntimeLine): Buffer {
    this.line = line
    return Buffer.from(this.#text)
  }

  take(bytes: Buffer): void {
    this.read += bytes.toString()
  }

  fail(error: Error): void {
    this.failed = error.message
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

function begin(): { doors: Doors; lines: RuntimeLines } {
  const doors = new Doors()
  return { doors, lines: new RuntimeLines(doors.dial) }
}

describe('kept connections to a runtime', () => {
  test('carry one request at a time, and are used again', async () => {
    const { doors, lines } = begin()
    const riders = [new Rider('one'), new Rider('two')] as const
    for (const rider of riders) assert.equal(lines.send(rider), true)
    assert.equal(doors.dials, 2)
    const far = await doors.open()
    assert.equal(String(far.read()), 'one')
    assert.deepEqual([riders[0].line !== null, riders[1].line], [true, null])
    far.write('answer')
    await turn()
    assert.equal(riders[0].read, 'answer')
    riders[0].line?.release()
    await turn()
    // The one that waited longest has it, whatever was dialled for it.
    assert.equal(String(far.read()), 'two')
    riders[1].line?.release()
    const third = new Rider('three')
    lines.send(third)
    await turn()
    assert.deepEqual([String(far.read()), doors.dials], ['three', 2])
  })

  test('are not more than they may be; beyond, requests wait in turn, and then are refused', () => {
    const { doors, lines } = begin()
    for (let count = 0; count < GATEWAY_QUEUE_MAX; count += 1) assert.equal(lines.send(new Rider()), true)
    assert.equal(doors.dials, GATEWAY_POOL_CONNECTIONS_MAX)
    const late = new Rider()
    assert.equal(lines.send(late), false)
    assert.equal(late.failed, null)
  })

  test('that nobody is waiting for any more are kept for the next', async () => {
    const { doors, lines } = begin()
    const gone = new Rider('gone')
    lines.send(gone)
    lines.forget(gone)
    const far = await doors.open()
    assert.equal(far.read(), null)
    lines.send(new Rider('next'))
    await turn()
    assert.deepEqual([String(far.read()), doors.dials, gone.line], ['next', 1, null])
  })

  test('that cannot be had fail one request each, with nothing sent', async () => {
    const { doors, lines } = begin()
    const riders = [new Rider(), new Rider()] as const
    for (const rider of riders) lines.send(rider)
    await doors.refuse()
    assert.deepEqual([riders[0].failed, riders[1].failed, riders[0].line], ['nobody there', null, null])
    await doors.refuse()
    assert.equal(riders[1].failed, 'nobody there')
    // Nobody is left to dial for; the next request does.
    assert.equal(doors.dials, 2)
    lines.send(new Rider())
    assert.equal(doors.dials, 3)
  })

  test('that end fail who is on them; who waits gets a new one', async () => {
    const { doors, lines } = begin()
    const riders = Array.from({ length: GATEWAY_POOL_CONNECTIONS_MAX + 1 }, () => new Rider())
    for (const rider of riders) lines.send(rider)
    const fars: Duplex[] = []
    for (let count = 0; count < GATEWAY_POOL_CONNECTIONS_MAX; count += 1) fars.push(await doors.open())
    assert.equal(doors.dials, GATEWAY_POOL_CONNECTIONS_MAX)
    fars[0]?.end()
    await turn()
    assert.equal(riders[0]?.failed, 'the runtime ended the connection')
    assert.equal(doors.dials, GATEWAY_POOL_CONNECTIONS_MAX + 1)
    const far = await doors.open()
    assert.equal(String(far.read()), 'x')
  })

  for (const [name, spoil] of [
    ['ended', (far: Duplex) => far.end()],
    ['said something that nobody asked for', (far: Duplex) => far.write('HTTP/1.1 408 Request Timeout\r\n\r\n')],
  ] as const) {
    test(`that ${name} while nobody used them are not used again`, async () => {
      const { doors, lines } = begin()
      const first = new Rider()
      lines.send(first)
      const far = await doors.open()
      first.line?.release()
      spoil(far)
      await turn()
      const second = new Rider()
      lines.send(second)
      assert.deepEqual([second.line, doors.dials], [null, 2])
      assert.deepEqual([first.failed, second.failed], [null, null])
    })
  }

  test('that were not used for long are not used again, and those used last are used first', async () => {
    const now = mock.method(performance, 'now', () => 0)
    try {
      const { doors, lines } = begin()
      const riders = [new Rider(), new Rider()] as const
      for (const rider of riders) lines.send(rider)
      const fars = [await doors.open(), await doors.open()] as const
      for (const far of fars) far.read()
      riders[0].line?.release()
      now.mock.mockImplementation(() => 1)
      riders[1].line?.release()
      await turn()
      now.mock.mockImplementation(() => GATEWAY_KEPT_MS_MAX)
      lines.send(new Rider('fresh'))
      await turn()
      assert.deepEqual([fars[0].read(), String(fars[1].read()), doors.dials], [null, 'fresh', 2])
      lines.send(new Rider('late'))
      await turn()
      assert.deepEqual([fars[0].read(), doors.dials], [null, 3])
    } finally {
      now.mock.restore()
    }
  })

  test('that are drained carry what was given to them, and end then', async () => {
    const { doors, lines } = begin()
    const riders = [new Rider(), new Rider()] as const
    lines.send(riders[0])
    const far = await doors.open()
    lines.send(riders[1])
    let isDrained = false
    const drained = lines.drain().then(() => {
      isDrained = true
    })
    riders[0].line?.release()
    await turn()
    assert.deepEqual([riders[1].line !== null, isDrained], [true, false])
    riders[1].line?.release()
    await drained
    await doors.open()
    assert.deepEqual([riders[0].failed, riders[1].failed, far.readableEnded], [null, null, false])
  })

  test('that are destroyed fail who is on them and who waits, and whoever comes', async () => {
    const { doors, lines } = begin()
    const [on, waiting, late] = [new Rider(), new Rider(), new Rider()]
    lines.send(on)
    await doors.open()
    lines.send(waiting)
    lines.destroy()
    await lines.drain()
    lines.send(late)
    const text = 'the way to the runtime was closed'
    assert.deepEqual([on.failed, waiting.failed, late.failed], [text, text, text])
    assert.deepEqual([on.line !== null, waiting.line, late.line], [true, null, null])
  })
})
