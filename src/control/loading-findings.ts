// What the trial of loading a commit's scripts comes to: which are loaded, and what is said of those that fail. Pure.
import { SOURCE_ROOT } from '../contract/deployment.ts'

/** A script that was loaded; `unknown`: it took too long, or its sandbox ended. `message`: as it is told. */
export type Loaded = { name: string; failure: { kind: 'threw'; message: string } | { kind: 'unknown' } | null }

const STARTUP = 'extensions/startup'
const LINES_SHOWN = 3
/** What no start-up brings. */
const MISSING = /Cannot find module|The (?:script defines|extension exports) no function/
/** What V8 puts before an error that leaves a whole script: where that was, its line, and a mark below that. */
const BEFORE_ERROR = /^<(.*)>:(\d+)\n.*\n(?:[ \t]*\^*\n)?\n*/
const EXTERNAL_FRAME = /^\s+at \[external code\]$/
/** In the order in which they are loaded. */
const BY_THEMSELVES = ['extensions/', 'api/', 'table/', 'scheduler/']

/**
 * Those that a service begins by itself: the start-up first, as at its home, then modules, then what runs in contexts
 * of its own. What they share comes along with them.
 */
export function entriesOf(names: string[]): string[] {
  const others = names.filter((name) => !isStartup(name))
  const inOrder = BY_THEMSELVES.flatMap((folder) => others.filter((name) => name.startsWith(folder)))
  return [...names.filter(isStartup), ...inOrder]
}

/**
 * Lines for whoever pushes. What throws is a mistake, but where a start-up would have been called before it: it may
 * count on that, unless it misses what no start-up brings. `all`: how many there were to load.
 */
export function findingsOf(loaded: Loaded[], all = loaded.length): { problems: string[]; notes: string[] } {
  const hasStartup = loaded.some(({ name }) => isStartup(name))
  const problems: string[] = []
  const notes: string[] = []
  for (const { name, failure } of loaded) {
    if (failure === null) continue
    const file = `${SOURCE_ROOT}/${name}.js`
    if (failure.kind === 'unknown') {
      notes.push(`${file}: it could not be tried whether it loads`)
      continue
    }
    const { message } = failure
    if (isStartup(name) || !hasStartup || MISSING.test(message)) problems.push(`${file} cannot be loaded: ${message}`)
    else notes.push(`${file} cannot be loaded unless the start-up helps it: ${message}`)
  }
  const left = all - loaded.length
  if (left > 0) notes.push(`${SOURCE_ROOT}: it was not tried after that whether ${left} more script(s) load`)
  return { problems, notes }
}

/** What is told of it: what it says, then where. Where our own code was on the way tells nobody anything. */
export function toldOf(message: string): string {
  const [before = '', file, line] = BEFORE_ERROR.exec(message) ?? []
  const lines = message
    .slice(before.length)
    .split('\n')
    .filter((one) => !EXTERNAL_FRAME.test(one))
  const isPlaced = before === '' || lines.some((one) => /^\s+at /.test(one))
  return [...lines.slice(0, LINES_SHOWN), ...(isPlaced ? [] : [`    at <${file}>:${line}`])].join('\n')
}

function isStartup(name: string): boolean {
  return name.toLowerCase() === STARTUP
}
