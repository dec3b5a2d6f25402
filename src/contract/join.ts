// How a machine becomes one of ours: a token that a person carries, exchanged once for a certificate.
import { Fault } from '../kit/fault.ts'

export const MACHINE_ROLES = ['control', 'gateway', 'host'] as const
export type MachineRole = (typeof MACHINE_ROLES)[number]

/**
 * What a join token says: who may join as what, and the authority by which the machine recognises control. With `machine`
 * it is for that machine alone, whose certificate ran out: it keeps its name and its data.
 */
export type JoinToken = {
  id: string
  secret: string
  role: MachineRole
  domain: string
  authority: string
  machine?: string
}

export type JoinRequest = {
  id: string
  secret: string
  role: MachineRole
  domain: string
  publicKey: string
  /** Missing before version 2. */
  protocol?: number
  machine?: string
}
export type JoinAnswer = { name: string; certificate: string }

/** A new certificate for a fresh key, asked for under the old one. */
export type RenewRequest = { publicKey: string }
export type RenewAnswer = { certificate: string }

/** A machine's identity as it keeps it on disk; `domain` is a host's region, a gateway's failure domain. */
export type MachineIdentity = {
  name: string
  role: MachineRole
  domain: string
  key: string
  certificate: string
  authority: string
}

const PREFIX = 'mainstay-join.'

/** The token as one word that can be pasted. */
export function encodeJoinToken(token: JoinToken): string {
  return PREFIX + Buffer.from(JSON.stringify(token)).toString('base64url')
}

/** Reads a pasted token. Faults with `join.bad_token`. */
export function decodeJoinToken(word: string): JoinToken {
  try {
    if (!word.startsWith(PREFIX)) throw new TypeError('no prefix')
    return JSON.parse(Buffer.from(word.slice(PREFIX.length), 'base64url').toString('utf8')) as JoinToken
  } catch (error) {
    throw new Fault('join.bad_token', 400, 'this is not a join token', {
      hint: 'Make one where control runs, and paste the whole word.',
      cause: error,
    })
  }
}
