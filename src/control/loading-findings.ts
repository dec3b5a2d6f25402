// What the trial of loading a commit's modules comes to: which are loaded, and what is said of those that fail. Pure.
import { SOURCE_ROOT } from '../contract/deployment.ts'

/** A module that was loaded; `unknown`: it took too long, or its sandbox ended. */
export type Loaded = { name: string; failure: { kind: 'threw'; message: string } | { kind: 'unknown' } | null }

const STARTUP = 'extensions/startup'
const LINES_SHOWN = 3
const MISSING = /Cannot find module/

/** Those that a service loads by itself, in its order: the start-up first. What they share comes along with them. */
export function entriesOf(names: string[]): string[] {
  const extensions = names.filter((name) => name.startsWith('extensions/') && !isStartup(name))
  return [...names.filter(isStartup), ...extensions, ...names.filter((name) => name.startsWith('api/'))]
}

/**
 * Lines for whoever pushes. What throws is a mistake, but where a start-up would have been called before it: it may
 * count on that, unless it misses a module, which no start-up brings.
 */
export function findingsOf(loaded: Loaded[]): { problems: string[]; notes: string[] } {
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
    const message = failure.message.split('\n').slice(0, LINES_SHOWN).join('\n')
    if (isStartup(name) || !hasStartup || MISSING.test(message)) problems.push(`${file} cannot be loaded: ${message}`)
    else notes.push(`${file} cannot be loaded unless the start-up helps it: ${message}`)
  }
  return { problems, notes }
}

function isStartup(name: string): boolean {
  return name.toLowerCase() === STARTUP
}
