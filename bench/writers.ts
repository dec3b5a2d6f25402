// Writers with a ledger outside of the cloud: every row that was acknowledged must be found again.
import type { ServiceView } from '../src/contract/api.ts'
import { pause } from '../src/kit/clock.ts'
import type { TestCloud } from '../tests/support/cloud.ts'

export type Ledger = {
  acknowledged: string[]
  /** Longest time between two acknowledgements of all writers together. */
  longestGapMs: () => number
  stop: () => Promise<void>
}

const PAUSE_MS = 5

/** Starts `count` writers, each with one request under way, trying again for as long as they run. */
export function startWriters(cloud: TestCloud, service: ServiceView, count: number): Ledger {
  const aborter = new AbortController()
  const acknowledged: string[] = []
  const times: number[] = []
  const write = async (writer: number) => {
    for (let number = 0; !aborter.signal.aborted; number += 1) {
      const id = `w${writer}-${number}`
      try {
        const body = JSON.stringify({ id, text: 'bench', number })
        const answer = await cloud.app(service, '/tables/TodoItem', { method: 'POST', body })
        await answer.arrayBuffer()
        if (answer.status === 201) {
          acknowledged.push(id)
          times.push(performance.now())
        }
      } catch {
        // Not acknowledged, so not in the ledger: that is all that counts here.
      }
      await pause(PAUSE_MS)
    }
  }
  const running = Promise.all(Array.from({ length: count }, async (_, writer) => await write(writer)))
  return {
    acknowledged,
    longestGapMs: () => times.reduce((longest, time, index) => Math.max(longest, time - (times[index - 1] ?? time)), 0),
    async stop() {
      aborter.abort()
      await running
    },
  }
}
