// The stream of server-sent events, by which a page knows what to ask again.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Topic } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { Fault } from '../kit/fault.ts'
import { EVENT_STREAM_MS_MAX, EVENT_STREAMS_MAX, EVENTS_QUIET_MS_MAX } from '../kit/limits.ts'
import type { ApiDeps } from './compose.ts'

/** Events: `changed`, with a JSON array of topics, and `here` every few seconds. */
export const eventRoutes: FastifyPluginAsyncTypebox<ApiDeps> = async (app, { feed }) => {
  app.get(API.events, async (request, reply) => {
    if (feed.listenerCount >= EVENT_STREAMS_MAX) {
      throw new Fault('http.busy', 503, `${feed.listenerCount} pages are listening already`)
    }
    const { raw } = reply
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
    reply.hijack()
    raw.writeHead(200, headers)
    // How long a browser waits before it asks again; it asks first what it has missed.
    raw.write('retry: 1000\nevent: open\ndata: []\n\n')
    // Who does not read has nothing written to: a page that sleeps must not fill our memory.
    const tell = (topics: Topic[]) => {
      if (!raw.writableNeedDrain) raw.write(`event: changed\ndata: ${JSON.stringify(topics)}\n\n`)
    }
    const stop = feed.listen(tell)
    // A page cannot tell a control that stands still from one that has no news.
    const quiet = setInterval(() => raw.write('event: here\ndata: []\n\n'), EVENTS_QUIET_MS_MAX)
    const end = setTimeout(() => raw.end(), EVENT_STREAM_MS_MAX)
    request.raw.on('error', () => {})
    raw.on('close', () => {
      stop()
      clearInterval(quiet)
      clearTimeout(end)
    })
  })
}
