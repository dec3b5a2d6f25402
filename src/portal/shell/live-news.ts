// The stream of what has changed: it makes the queries old that it names, and says when it is broken.
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { Topic } from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'

/** A query is asked again at most so often, however much happens. */
const REFETCH_MS_MIN = 1_000
/** How long until a stream is opened anew that the browser has given up. */
const AGAIN_MS = 3_000
/** A stream that is back sooner than this was not worth a word. */
const BROKEN_MS_MIN = 2_000
/** Control says every 5 s that it is there: one that does not stands still. */
const SILENT_MS_MAX = 12_000

/** Whether news arrive. */
export function useLiveNews(): { isConnected: boolean } {
  const client = useQueryClient()
  const [isConnected, setConnected] = useState(true)
  const isVisible = useIsVisible()
  const [attempt, setAttempt] = useState(0)
  const isOwed = useRef(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: every attempt opens a stream of its own.
  useEffect(() => {
    // A browser opens few connections to one place: pages that nobody looks at must not take them all.
    if (!isVisible) return
    const stale = new StaleTopics(client)
    const stream = new EventSource(API.events)
    let broken: ReturnType<typeof setTimeout> | undefined
    let again: ReturnType<typeof setTimeout> | undefined
    let silent: ReturnType<typeof setTimeout> | undefined
    const hear = () => {
      clearTimeout(silent)
      silent = setTimeout(() => setConnected(false), SILENT_MS_MAX)
      setConnected(true)
    }
    stream.addEventListener('here', hear)
    stream.addEventListener('open', () => {
      clearTimeout(broken)
      broken = undefined
      hear()
      // What happened meanwhile was not told.
      if (isOwed.current) void client.invalidateQueries()
      isOwed.current = false
    })
    stream.addEventListener('error', () => {
      isOwed.current = true
      // The first failure counts: each try that fails tells of one more.
      broken ??= setTimeout(() => setConnected(false), BROKEN_MS_MIN)
      // Signed out, or a proxy that answers while control does not: the browser gives up by itself.
      if (stream.readyState !== EventSource.CLOSED) return
      void client.invalidateQueries({ queryKey: ['session'] })
      again = setTimeout(() => setAttempt((count) => count + 1), AGAIN_MS)
    })
    stream.addEventListener('changed', ({ data }) => {
      hear()
      for (const topic of topicsOf(String(data))) stale.add(topic)
    })
    return () => {
      clearTimeout(broken)
      clearTimeout(again)
      clearTimeout(silent)
      stale.stop()
      stream.close()
    }
  }, [client, isVisible, attempt])
  return { isConnected }
}

// What is old when a page is looked at again, the queries see by themselves.
function useIsVisible(): boolean {
  const [isVisible, setVisible] = useState(() => document.visibilityState === 'visible')
  useEffect(() => {
    const look = () => setVisible(document.visibilityState === 'visible')
    document.addEventListener('visibilitychange', look)
    return () => document.removeEventListener('visibilitychange', look)
  }, [])
  return isVisible
}

/** Topics that are to be read again, each at most once a second. */
class StaleTopics {
  readonly #client: QueryClient
  readonly #readAtMs = new Map<Topic, number>()
  readonly #timers = new Map<Topic, ReturnType<typeof setTimeout>>()

  constructor(client: QueryClient) {
    this.#client = client
  }

  add(topic: Topic): void {
    if (this.#timers.has(topic)) return
    const inMs = Math.max(0, (this.#readAtMs.get(topic) ?? 0) + REFETCH_MS_MIN - Date.now())
    this.#timers.set(
      topic,
      setTimeout(() => {
        this.#timers.delete(topic)
        this.#readAtMs.set(topic, Date.now())
        void this.#client.invalidateQueries({
          // A plan is made afresh on its own beat: making one asks the machines.
          predicate: ({ queryKey }) => isAbout(queryKey, topic) && queryKey[2] !== 'recovery-plan',
        })
      }, inMs),
    )
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }
}

// The status of the cloud has its services in it.
function isAbout(key: readonly unknown[], topic: Topic): boolean {
  return key[0] === topic || (topic === 'services' && key[0] === 'status' && key[1] === 'cloud')
}

function topicsOf(data: string): Topic[] {
  try {
    const topics: unknown = JSON.parse(data)
    return Array.isArray(topics) ? (topics as Topic[]) : []
  } catch {
    return []
  }
}
