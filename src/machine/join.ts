// Joining: a machine's first start exchanges its token for a certificate; later starts find the certificate.
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import {
  decodeJoinToken,
  type JoinAnswer,
  type JoinRequest,
  type JoinToken,
  type MachineIdentity,
  type MachineRole,
} from '../contract/join.ts'
import { JOIN_PROTOCOL, PROTOCOL_VERSION } from '../contract/protocols.ts'
import { lifeOf } from '../kit/certificate-life.ts'
import { Door } from '../kit/door.ts'
import { callThrough, doorPool } from '../kit/door-http.ts'
import { Fault } from '../kit/fault.ts'
import { readJsonIfAny, removeTree, writeJson } from '../kit/files.ts'
import { slugOf } from '../kit/identifiers.ts'
import { CERTIFICATE_CALL_MS_MAX } from '../kit/limits.ts'

const IDENTITY_FILE = 'certificate.json'
const PENDING_FILE = 'joining.json'

type Pending = { tokenId: string; key: string; publicKey: string }

/** Where control's door is. */
export type ControlAddress = { address: string; port: number }

/** Reads `https://ADDRESS:PORT`. Faults with `options.bad_url`. */
export function parseControlUrl(text: string): ControlAddress {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol !== 'https:' || url.port === '') {
    throw new Fault('options.bad_url', 400, `'${text}' is not the URL of a control`, {
      hint: 'Give it as https://ADDRESS:PORT, as control printed it.',
    })
  }
  return { address: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) }
}

/** Reads the URLs of all controls, separated by commas. Faults with `options.bad_url`. */
export function parseControlUrls(text: string): ControlAddress[] {
  return text.split(',').map((url) => parseControlUrl(url.trim()))
}

type Wanted = { home: string; role: MachineRole; domain: string; controls: ControlAddress[]; token: string | null }

/**
 * This machine's identity: from its home, or by joining with a token (single use). One whose certificate has ended joins
 * again with a token that was made for it, and keeps its name and data. Faults with `join.token_needed`, `join.expired`,
 * `join.other_token`, or `join.other_domain` when the home was made for another role or region.
 */
export async function ensureIdentity(options: Wanted): Promise<MachineIdentity> {
  const kept = await readJsonIfAny<MachineIdentity>(join(options.home, IDENTITY_FILE))
  if (kept) {
    checkKept(kept, options)
    if (lifeOf(kept.certificate).untilMs > Date.now()) return kept
    return await joinAgain(kept, options)
  }
  if (!options.token) {
    const where = options.role === 'host' ? '--region' : '--domain'
    throw new Fault('join.token_needed', 400, `this ${options.role} has not joined yet and has no join token`, {
      hint: `Make one where control runs (mainstay join-token create --role ${options.role} ${where} "${options.domain}") and give it as MAINSTAY_JOIN_TOKEN.`,
    })
  }
  const token = decodeJoinToken(options.token)
  const isFitting = token.role === options.role && isSameDomain(token.domain, options.domain)
  if (!isFitting || token.machine !== undefined) throw otherToken(token, `a new ${options.role} of ${options.domain}`)
  return await exchangeAnywhere(token, options)
}

/** Writes what this machine is, so that a crash leaves the old or the new. */
export async function writeIdentity(home: string, identity: MachineIdentity): Promise<void> {
  await writeJson(join(home, IDENTITY_FILE), identity)
}

/** A fresh key pair, PEM: the private one stays here. */
export function makeKey(): { key: string; publicKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

async function joinAgain(kept: MachineIdentity, options: Wanted): Promise<MachineIdentity> {
  const token = options.token === null ? null : decodeJoinToken(options.token)
  if (token?.machine === kept.name) return await exchangeAnywhere(token, options)
  const until = new Date(lifeOf(kept.certificate).untilMs).toISOString()
  throw new Fault('join.expired', 400, `the certificate of ${kept.name} ended at ${until}: it was off for too long`, {
    hint: `Make a token for it where control runs (mainstay join-token create --machine ${kept.name}) and give it as MAINSTAY_JOIN_TOKEN; its data stays.`,
  })
}

function checkKept(kept: MachineIdentity, wanted: Wanted): void {
  if (kept.role === wanted.role && isSameDomain(kept.domain, wanted.domain)) return
  const was = `${kept.role} of ${kept.domain}`
  throw new Fault(
    'join.other_domain',
    400,
    `${wanted.home} belongs to a ${was}, not a ${wanted.role} of ${wanted.domain}`,
    {
      hint: 'Choose another --home, or start the role and region that this one was made for.',
    },
  )
}

function otherToken(token: JoinToken, wanted: string): Fault {
  const what = token.machine ?? `a new ${token.role} of ${token.domain}`
  return new Fault('join.other_token', 400, `this join token is for ${what}, not for ${wanted}`, {
    hint: 'Make one where control runs, for what is started here: mainstay join-token create --help',
  })
}

// As control names regions: "West US" is west-us.
function isSameDomain(left: string, right: string): boolean {
  return left === right || slugOf(left) === slugOf(right)
}

// One control after the other: all of them are on one database, and a token that one has taken is taken.
async function exchangeAnywhere(token: JoinToken, options: Wanted): Promise<MachineIdentity> {
  let silence: unknown = null
  for (const control of options.controls) {
    try {
      return await exchange(token, options.home, control)
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'door.unreachable') throw error
      silence = error
    }
  }
  throw silence
}

async function exchange(token: JoinToken, home: string, control: ControlAddress): Promise<MachineIdentity> {
  const { role, domain, machine, authority } = token
  const { key, publicKey } = await pendingKey(home, token)
  const to = { ...control, protocol: JOIN_PROTOCOL, target: 'control', expectRole: 'control' }
  const pool = doorPool(new Door({ authority }), to, 1)
  const request: JoinRequest = {
    ...{ id: token.id, secret: token.secret, role, domain, publicKey, protocol: PROTOCOL_VERSION },
    ...(machine === undefined ? {} : { machine }),
  }
  try {
    const call = { method: 'POST' as const, path: '/join', timeoutMs: CERTIFICATE_CALL_MS_MAX, body: request }
    const { name, certificate } = (await callThrough(pool, call)) as JoinAnswer
    const identity = { name, role, domain, key, certificate, authority }
    await writeIdentity(home, identity)
    await removeTree(join(home, PENDING_FILE))
    return identity
  } finally {
    await pool.destroy()
  }
}

// Kept before it is sent: whoever is killed before the answer came asks again with the same key, and gets it again.
async function pendingKey(home: string, token: JoinToken): Promise<Pending> {
  const path = join(home, PENDING_FILE)
  const kept = await readJsonIfAny<Pending>(path)
  if (kept?.tokenId === token.id) return kept
  const made: Pending = { tokenId: token.id, ...makeKey() }
  await writeJson(path, made)
  return made
}
