// What the CLI is told by flags, environment and defaults. The only file here that reads the environment.
import { Fault } from '../kit/fault.ts'
import { realFolder } from '../kit/home-folder.ts'

/** Flags that every command takes. */
export type CommonFlags = {
  json?: boolean
  quiet?: boolean
  verbose?: boolean
  subscription?: string
  control?: string
  home?: string
}

/** Where control is when it is not the local cloud's. */
export type RemoteControl = { url: string; token: string }

export type Environment = Readonly<Record<string, string | undefined>>

/** The environment of this process; whoever needs it is given it. */
export function readEnvironment(): Environment {
  return process.env
}

/** The folder of the local cloud, absolute. */
export function homeOf(flags: { home?: string | undefined }, env: Environment): string {
  return realFolder(flags.home ?? textOf(env.MAINSTAY_HOME) ?? '.mainstay')
}

/** The control that was named by flag or environment, and the token if there is one; null when none was named. */
export function namedControlOf(
  flags: CommonFlags,
  env: Environment,
): { url: string; token: string | undefined } | null {
  const url = flags.control ?? textOf(env.MAINSTAY_CONTROL_URL)
  return url === undefined ? null : { url: controlUrlOf(url), token: tokenOf(env) }
}

/** The URL of a control as typed, or several with commas between; no slash at their ends. Faults with `usage.bad_option`. */
export function controlUrlOf(text: string): string {
  const urls = text.split(',').map((one) => one.trim().replace(/\/+$/, ''))
  const bad = urls.find((one) => !URL.canParse(one) || !/^https?:$/.test(new URL(one).protocol))
  if (bad === undefined) return urls.join(',')
  throw new Fault('usage.bad_option', 400, `'${bad}' is not the URL of a control`, {
    hint: 'Write it like this: --control http://localhost:8081 (several with commas between)',
  })
}

/** The operator token from the environment. */
export function tokenOf(env: Environment): string | undefined {
  return textOf(env.MAINSTAY_TOKEN)
}

/** True when a home was named, by flag or environment. */
export function isHomeNamed(flags: CommonFlags, env: Environment): boolean {
  return flags.home !== undefined || textOf(env.MAINSTAY_HOME) !== undefined
}

/** A port from a flag, an environment variable or the default. */
export function portOf(what: string, flag: string | undefined, variable: string | undefined, usual: number): number {
  const text = flag ?? textOf(variable)
  if (text === undefined) return usual
  const port = Number(text)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new Fault('usage.bad_option', 400, `'${text}' is not a port`, {
    hint: `${what} takes a number from 1 to 65535.`,
  })
}

/** A list of names separated by commas; undefined when nothing was said. */
export function listOf(flag: string | undefined, variable: string | undefined): string[] | undefined {
  const text = flag ?? textOf(variable)
  const names = text?.split(',').map((name) => name.trim())
  return names?.filter((name) => name !== '')
}

/** How this person starts us, so that the commands that we print can be typed as they are. */
export function typedAs(env: Environment): string {
  return textOf(env.npm_command) === undefined ? 'mainstay' : 'npx mainstay'
}

function textOf(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value.trim()
}
