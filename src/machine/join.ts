// Joining: a machine's first start exchanges its token for a certificate; later starts find the certificate.
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { decodeJoinToken, type JoinAnswer, type MachineIdentity, type MachineRole } from '../contract/join.ts'
import { JOIN_PROTOCOL } from '../contract/protocols.ts'
import { Door } from '../kit/door.ts'
import { callThrough, doorPool } from '../kit/door-http.ts'
import { Fault } from '../kit/fault.ts'
import { readJsonIfAny, writeJson } from '../kit/files.ts'

const IDENTITY_FILE = 'certificate.json'

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

/**
 * This machine's identity: from its home, or by joining with a token (single use). Faults with `join.token_needed` when
 * there is neither, `join.other_domain` when the home was made for another role or region.
 */
export async function ensureIdentity(options: {
  home: string
  role: MachineRole
  domain: string
  controls: ControlAddress[]
  token: string | null
}): Promise<MachineIdentity> {
  const kept = await readJsonIfAny<MachineIdentity>(join(options.home, IDENTITY_FILE))
  if (kept) return checkKept(kept, options)
  if (!options.token) {
    throw new Fault('join.token_needed', 400, `this ${options.role} has not joined yet and has no join token`, {
      hint: 'Make a token where control runs and give it as MAINSTAY_JOIN_TOKEN.',
    })
  }
  const identity = await exchangeAnywhere(options.token, options)
  await writeJson(join(options.home, IDENTITY_FILE), identity)
  return identity
}

function checkKept(
  kept: MachineIdentity,
  wanted: { role: MachineRole; domain: string; home: string },
): MachineIdentity {
  if (kept.role === wanted.role && kept.domain === wanted.domain) return kept
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

// One control after the other: all of them are on one database, and a token that one has taken is taken.
async function exchangeAnywhere(
  word: string,
  options: { role: MachineRole; domain: string; controls: ControlAddress[] },
): Promise<MachineIdentity> {
  const { role, domain, controls } = options
  let silence: unknown = null
  for (const control of controls) {
    try {
      return await exchange(word, { role, domain, control })
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'door.unreachable') throw error
      silence = error
    }
  }
  throw silence
}

async function exchange(
  word: string,
  options: { role: MachineRole; domain: string; control: ControlAddress },
): Promise<MachineIdentity> {
  const token = decodeJoinToken(word)
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const to = { ...options.control, protocol: JOIN_PROTOCOL, target: 'control', expectRole: 'control' }
  const pool = doorPool(new Door({ authority: token.authority }), to, 1)
  try {
    const answer = (await callThrough(pool, {
      method: 'POST',
      path: '/join',
      timeoutMs: 10_000,
      body: {
        id: token.id,
        secret: token.secret,
        role: options.role,
        domain: options.domain,
        publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      },
    })) as JoinAnswer
    const { name, certificate } = answer
    return { name, role: options.role, domain: options.domain, key, certificate, authority: token.authority }
  } finally {
    await pool.destroy()
  }
}
