// A service with push set up, in a runtime of its own, beside stand-ins of the platforms.
import { DEFAULT_API_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { PushReport, PushSend } from '../../src/contract/push.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { type PushPlatforms, startPushPlatforms } from './push-platforms.ts'
import { startTestCluster, type TestCluster } from './runtime-cluster.ts'
import { type TestAnswer, TestRuntime } from './runtime-process.ts'
import { APP, MASTER, routed } from './runtime-scenario.ts'
import { addScripted, type ScriptTexts } from './script-service.ts'

/** Calls any function of `push`: `{ call: 'wns.sendRaw', args: […] }`; `how`: promise, handlers or callback. */
const CALL = `
  exports.post = function (req, res) {
    var names = req.body.call.split('.');
    var of = req.service.push;
    while (names.length > 1) of = of[names.shift()];
    var args = req.body.args || [];
    var how = req.body.how || 'promise';
    var calls = [];
    var tell = function (error, result) {
      calls.push(error ? { error: error.message, statusCode: error.statusCode } : { result: result });
      if (calls.length === (req.body.expect || 1)) res.json(how === 'promise' ? calls[0] : calls);
    };
    if (how === 'handlers') {
      of[names[0]].apply(of, args.concat([{
        success: function (result) { tell(null, result); },
        error: function (error) { tell(error); },
      }]));
    } else if (how === 'callback') of[names[0]].apply(of, args.concat([tell]));
    else if (how === 'nobody') { of[names[0]].apply(of, args); setTimeout(function () { res.json([]); }, 1000); }
    else of[names[0]].apply(of, args).then(function (result) { tell(null, result); }, tell);
  };`

export type PushService = {
  platforms: PushPlatforms
  postgres: TestCluster
  service: RuntimeService
  runtime: TestRuntime
  /** One request of an app, with its key. */
  ask: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<TestAnswer>
  /** A call of a function of `push` by a script: what its promise, or its handlers, were given. */
  push: (call: string, args: unknown[], more?: { how?: string; expect?: number }) => Promise<unknown>
  report: (top?: number) => Promise<PushReport>
  /** Waits until a message of that number is over. */
  over: (id: string) => Promise<PushSend>
  /** Puts another process in the place of the runtime, which serves the service as it is given. */
  restart: (options?: { isKilled: boolean; as?: RuntimeService }) => Promise<void>
  stop: () => Promise<void>
}

/** Starts all of it; the caller stops it in an `after` hook. */
export async function startPushService(
  texts: ScriptTexts = {},
  changes: Partial<RuntimeService> = {},
): Promise<PushService> {
  const platforms = await startPushPlatforms()
  const postgres = await startTestCluster()
  const allowed = ['--egress-allow', '127.0.0.0/8']
  let runtime = await TestRuntime.start(postgres.folder, 'push', allowed)
  const apis = [{ name: 'call', permissions: DEFAULT_API_PERMISSIONS }]
  const options = { apis, push: platforms.settings, ...changes }
  let service = await addScripted(postgres, 'todo', { 'api/call': CALL, ...texts }, options)
  const begin = async () => {
    runtime.setLeases()
    await runtime.assign([service])
  }
  await begin()
  const ask: PushService['ask'] = async (method, path, body, headers = APP) =>
    await runtime.call({ method, path, headers: routed(service, headers), ...(body === undefined ? {} : { body }) })
  const report = async (top = 50) => {
    const { status, body } = await ask('GET', `/.mainstay/push?top=${top}`, undefined, MASTER)
    if (status !== 200) throw new Error(`${status} ${body}`)
    return JSON.parse(body) as PushReport
  }
  return {
    platforms,
    postgres,
    get service() {
      return service
    },
    get runtime() {
      return runtime
    },
    ask,
    push: async (call, args, more = {}) => {
      const { status, body } = await ask('POST', '/api/call', { call, args, ...more })
      if (status !== 200) throw new Error(`${status} ${body} ${runtime.log}`)
      return JSON.parse(body) as unknown
    },
    report,
    over: async (id) =>
      await waitFor(
        `message ${id} to be over`,
        async () => {
          const found = (await report()).sends.find((send) => send.id === id)
          return found && found.state !== 'sending' ? found : undefined
        },
        { withinMs: 30_000, everyMs: 50 },
      ),
    restart: async ({ isKilled, as } = { isKilled: false }) => {
      if (isKilled) await runtime.kill()
      else await runtime.stop()
      service = as ?? service
      runtime = await TestRuntime.start(postgres.folder, 'push', allowed)
      await begin()
    },
    stop: async () => {
      await runtime.stop()
      await postgres.stop()
      await platforms.close()
    },
  }
}
