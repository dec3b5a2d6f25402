// The sandbox: a process that runs one service's scripts and knows nothing but the pipe to its runtime. Started by the
// runtime with types stripped, inside a root folder that holds these files, Node and its libraries.
import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Script } from 'node:vm'
import { callApi } from './api-call.ts'
import { atTurnsEnd, CallUnderWay, logLine, running } from './call-under-way.ts'
import { describe } from './errors.ts'
import { callExtension } from './extension-call.ts'
import { failUnwatched } from './fetch-call.ts'
import { FrameReader, FrameWriter, frameOf } from './frames.ts'
import { KeptContexts, type TableScript } from './kept-contexts.ts'
import type {
  CallStart,
  FromSandbox,
  JobStart,
  LoadStart,
  LogLevel,
  SandboxLimits,
  TableStart,
  ToSandbox,
} from './messages.ts'
import { ModuleWorld } from './module-world.ts'
import { type NpmRequire, openNpmModules } from './npm-require.ts'
import { callJob, callTableScript, compile, compileForTable, compileToBegin, loadScript } from './script-call.ts'
import { look } from './sight.ts'

const CHANNEL = 3
/** Until the runtime has said how long messages may be. */
const FIRST_BYTES_MAX = 1_048_576
const LAST_WORD_TRIES = 200
/** How many calls may run before the first of them is heard of. */
const CALLS_HELD = 8
/** What is taken as soon as it is there, past what waits for its turn. */
const AT_ONCE = new Set<ToSandbox['kind']>(['ping', 'told', 'over'])
/** What may wait for the end of a turn. */
const AT_TURNS_END = new Set<FromSandbox['kind']>(['answer', 'done', 'last', 'pong'])

let limits: SandboxLimits = {
  rowsMax: 0,
  timersMax: 0,
  logCharactersMax: 0,
  messageBytesMax: FIRST_BYTES_MAX,
  jobIdleMs: 0,
}
let config: Record<string, unknown> = {}
let npmFolder: string | null = null
/** Opened when something is first required of them. */
let npm: NpmRequire | null = null
let asks = 0
let isEnding = false
const calls = new Map<number, CallUnderWay>()
/** What waits for its turn. */
const inbox: ToSandbox[] = []
let isTaking = false
let heldCalls = 0
const scripts = {
  tables: new Map<string, TableScript>(),
  jobs: new Map<string, Script>(),
  /** Of tables, and not called. */
  begun: new Map<string, Script>(),
}
/** The texts of scripts by hash, which come once, with whichever call. */
const scriptTexts = new Map<string, string>()
const contexts = new KeptContexts()
/** Why those that do not compile do not. */
const broken = new Map<string, unknown>()
const texts = new Map<string, string>()
/** The modules that are in force. Calls under way go on with those that they began with. */
let world: { key: string; modules: ModuleWorld } | null = null
let bare: ModuleWorld | null = null

// What is in it was meant for the tools that started us.
for (const name of Object.keys(process.env)) delete process.env[name]
const channel = new Socket({ fd: CHANNEL, readable: true, writable: true })
const writer = new FrameWriter(channel)
// Without a runtime there is nobody to work for.
channel.on('close', () => process.exit(0))
channel.on('error', () => process.exit(0))
listen()
process.on('uncaughtException', (error) => endAfter(`${describe(error)}`))
process.on('unhandledRejection', (reason) => {
  const message = failUnwatched(reason)
  if (message !== null) say({ kind: 'log', call: null, source: 'modules', level: 'error', message })
})
process.on('exit', (code) => endAfter(`it called process.exit(${code})`))
say({ kind: 'ready', sight: look() })

function listen(): void {
  const reader = new FrameReader(FIRST_BYTES_MAX)
  channel.on('data', (chunk: Buffer) => {
    reader.each(chunk, (given) => {
      const message = given as ToSandbox
      // What comes right behind it may be longer already.
      if (message.kind === 'hello') reader.bytesMax = message.limits.messageBytesMax
      if (AT_ONCE.has(message.kind)) take(message)
      else inbox.push(message)
    })
    takeInTurn()
  })
}

// One call after the other: the context of one that leaves the rest to the runtime is there for the next. What they say
// goes out together, since each write costs as much as a small script.
function takeInTurn(): void {
  if (!isTaking) takeNext()
}

function takeNext(): void {
  for (;;) {
    const message = inbox.shift()
    isTaking = message !== undefined
    if (!message || heldCalls >= CALLS_HELD) {
      heldCalls = 0
      writer.flush()
    }
    if (!message) return
    if (message.kind === 'call') {
      heldCalls += 1
      writer.hold()
      take(message)
      atTurnsEnd(takeNext)
      return
    }
    take(message)
  }
}

function take(message: ToSandbox): void {
  switch (message.kind) {
    case 'hello':
      limits = message.limits
      config = message.config
      npmFolder = message.modules
      Object.assign(process.env, message.environment)
      break
    case 'ping':
      say({ kind: 'pong', ping: message.ping })
      break
    case 'text':
      texts.set(message.hash, message.text)
      break
    case 'modules':
      world?.modules.end()
      world = { key: message.key, modules: makeWorld(message.files) }
      forgetUnused(message.files)
      break
    case 'call':
      begin(message)
      break
    case 'told':
      for (const call of calls.values()) if (call.tell(message.ask, message.outcome)) break
      break
    case 'over':
      forgetWaiting(message.call)
      calls.get(message.call)?.end()
      calls.delete(message.call)
      break
  }
}

function forgetWaiting(call: number): void {
  const at = inbox.findIndex((one) => one.kind === 'call' && one.call === call)
  const [gone] = at < 0 ? [] : inbox.splice(at, 1)
  if (gone?.kind === 'call') keepText(gone.script)
}

// It comes once only, with whichever call.
function keepText({ hash, text }: CallStart['script']): void {
  if (text !== null) scriptTexts.set(hash, text)
}

function begin(start: CallStart): void {
  keepText(start.script)
  const onDone = () => calls.delete(start.call)
  const call = new CallUnderWay(start.call, start.script.source, { say, limits, nextAsk: () => ++asks, onDone })
  calls.set(start.call, call)
  if (start.what === 'api' || start.what === 'extension') {
    if (world?.key === start.modules && start.what === 'api') callApi(start, world.modules, call, { limits, config })
    else if (world?.key === start.modules && start.what === 'extension')
      callExtension(start, world.modules, call, { limits, config })
    else call.fail(new Error(`The modules of '${start.script.source}' are not here.`))
    return
  }
  beginScript(start, call)
}

function beginScript(start: TableStart | JobStart | LoadStart, call: CallUnderWay): void {
  const { source } = start.script
  const modules = world?.key === start.modules ? world.modules : null
  const folder = source.slice(0, source.lastIndexOf('/'))
  const tools = { limits, require: (name: string) => (modules ?? withoutModules()).require(folder, name) }
  const { hash } = start.script
  if (start.what === 'table') {
    const script = compiled(start, call, scripts.tables, (text) => compileForTable({ source, hash, text }))
    if (script) callTableScript(start, script, call, { ...tools, contexts })
  } else if (start.what === 'job') {
    const script = compiled(start, call, scripts.jobs, (text) => compile(source, text))
    if (script) callJob(start, script, call, tools)
  } else {
    const [known, make] = start.of === 'job' ? [scripts.jobs, compile] : [scripts.begun, compileToBegin]
    const script = compiled(start, call, known, (text) => make(source, text))
    if (script) loadScript(start, script, call, tools)
  }
}

// Null when it does not compile; its call has failed then. Stacks name the source, hence one for each source of a text.
function compiled<T>(
  { script: { source, hash, text } }: Pick<CallStart, 'script'>,
  call: CallUnderWay,
  known: Map<string, T>,
  make: (text: string) => T,
): T | null {
  const key = `${source} ${hash}`
  try {
    const problem = broken.get(key)
    if (text === null && problem !== undefined) throw problem
    const script = known.get(key) ?? make(scriptTexts.get(hash) ?? '')
    known.set(key, script)
    return script
  } catch (error) {
    // Its text comes once only.
    broken.set(key, error)
    call.fail(error)
    return null
  }
}

// Of a service that has no modules: what else can be required is made when it is first wanted.
function withoutModules(): ModuleWorld {
  bare ??= makeWorld({})
  return bare
}

function makeWorld(files: Record<string, string>): ModuleWorld {
  return new ModuleWorld({ files, textOf: (hash) => texts.get(hash), config, limits, npm: requireNpm, say })
}

function requireNpm(name: string): { exports: unknown } | undefined {
  if (npmFolder === null) return undefined
  const log = (level: LogLevel, values: unknown[]) => {
    const { call, source } = running.getStore() ?? { call: null, source: 'modules' }
    say(logLine(call?.number ?? null, source, { level, values }, limits))
  }
  npm ??= openNpmModules(npmFolder, { log })
  return npm(name)
}

function forgetUnused(files: Record<string, string>): void {
  const kept = new Set(Object.values(files))
  for (const hash of texts.keys()) if (!kept.has(hash)) texts.delete(hash)
}

function say(message: FromSandbox): void {
  const frame = frameOf(message, limits.messageBytesMax)
  // What a script says or asks for is out before it goes on: it may never end its turn.
  if (frame) writer.write(frame, { isUrgent: !AT_TURNS_END.has(message.kind) })
  else tooLong(message)
}

// Said instead of what the runtime would not take.
function tooLong(message: FromSandbox): void {
  const text = `more than ${limits.messageBytesMax} bytes at once`
  if (message.kind === 'ask') {
    const outcome = { kind: 'failed' as const, status: 413, message: `The item is too large: ${text}.` }
    setImmediate(() => calls.get(message.call)?.tell(message.ask, outcome))
  } else if (message.kind === 'last') {
    const { call } = message
    say({ kind: 'answer', call, answer: { kind: 'failed', message: `Error: the item is too large: ${text}.` } })
    say({ kind: 'done', call })
  } else if (message.kind === 'answer') {
    say({ ...message, answer: { kind: 'failed', message: `Error: the answer is too large: ${text}.` } })
  }
}

// The last word is written at once, past what the channel still holds: the runtime needs only this to tell who did it.
function endAfter(message: string): void {
  if (isEnding) return
  isEnding = true
  const culprit = running.getStore()
  const about = { call: culprit?.call?.number ?? null, source: culprit?.source ?? null }
  writer.flush()
  const frame = frameOf({ kind: 'ending', ...about, message: message.slice(0, 10_000) }, FIRST_BYTES_MAX)
  if (frame && channel.writableLength === 0) writeAll(frame)
  process.exit(1)
}

function writeAll(frame: Buffer): void {
  let at = 0
  for (let tries = 0; at < frame.length && tries < LAST_WORD_TRIES; tries += 1) {
    try {
      at += writeSync(CHANNEL, frame, at)
    } catch {
      // The pipe is full: its reader may need a moment.
    }
  }
}
