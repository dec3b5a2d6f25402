// Where a database is that is not ours to start: a URL with one or several hosts, or a socket folder.
import type { DatabaseHost, TlsMode } from '../contract/external-server.ts'
import { Fault } from '../kit/fault.ts'

export type DatabaseTarget = {
  hosts: DatabaseHost[]
  user: string
  password: string
  database: string
  /** Null: encrypted, except over loopback and unix sockets. */
  tls: TlsMode | null
  /** What to do when no host can be reached; left out: look at the URL. */
  advice?: string
}

const USUAL_PORT = 5432
const HOSTS_MAX = 16
const FORM = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/
const HINT =
  'Write it like this: postgres://USER:PASSWORD@HOST1:5432,HOST2:5432/DATABASE (or @%2Fsocket%2Ffolder/DATABASE).'

/**
 * Reads `postgres://user:password@host1:5432,host2/database`. A host may be `%2Fsocket%2Ffolder`. Faults with
 * `options.bad_url`; the message never repeats the URL, since it holds a password.
 */
export function parseDatabaseUrl(text: string): DatabaseTarget {
  const found = FORM.exec(text.trim())
  if (!found) throw bad('it is not a postgres:// URL')
  const [, account = '', places = '', path = '', query = ''] = found
  const [user = '', ...password] = account.split(':')
  if (user === '') throw bad('it names no user')
  const options = new URLSearchParams(query)
  const tls = tlsOf(options.get('sslmode'))
  const mode = options.get('target_session_attrs')
  if (mode !== null && mode !== 'read-write') throw bad('target_session_attrs must be read-write')
  for (const name of options.keys()) {
    if (!['sslmode', 'target_session_attrs', 'host'].includes(name)) throw bad(`the option ${name} is not known`)
  }
  const inOptions = options.get('host')
  const hosts = (places === '' && inOptions !== null ? inOptions : places).split(',').map(hostOf)
  if (hosts.length > HOSTS_MAX) throw bad(`it names more than ${HOSTS_MAX} hosts`)
  const database = decoded(path) || decoded(user)
  return { hosts, user: decoded(user), password: decoded(password.join(':')), database, tls }
}

/** A host as a person reads it, without secrets. */
export function placeOf({ host, port }: DatabaseHost): string {
  return host.startsWith('/') ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Whether a host is reached without leaving this machine. */
export function isLocal({ host }: DatabaseHost): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\./.test(host)
}

function hostOf(text: string): DatabaseHost {
  const found = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(text)
  const host = decoded(found?.[1] ?? '').replace(/^\[|\]$/g, '')
  const port = found?.[2] === undefined ? USUAL_PORT : Number(found[2])
  if (!found || host === '' || port < 1 || port > 65_535) throw bad('one of its hosts cannot be read')
  return { host, port }
}

function tlsOf(text: string | null): TlsMode | null {
  if (text === null || text === 'disable' || text === 'require' || text === 'verify-full') return text
  throw bad('sslmode must be disable, require or verify-full')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw bad('a % in it is not followed by two hexadecimal digits')
  }
}

function bad(reason: string): Fault {
  return new Fault('options.bad_url', 400, `the URL of the database cannot be used: ${reason}`, { hint: HINT })
}
