// Who a request of an old tool comes from: its client certificate, which is pinned here, or a token.
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { Kysely } from 'kysely'
import type { KnownCaller } from '../accounts/caller.ts'
import { callerOfCertificate, fingerprintOf } from '../accounts/management-certificates.ts'
import { hashToken } from '../accounts/seal.ts'
import { callerOfToken } from '../accounts/tokens.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'

/**
 * Who sent it, and that the subscription in its path is theirs. Faults with 403, never in the handshake: the old tools
 * print what the application says, and trip over a broken handshake.
 */
export async function authenticateTool(
  db: Kysely<ControlDatabase>,
  request: IncomingMessage,
  protocolId: string,
): Promise<KnownCaller> {
  const caller = await identify(db, request)
  const found = await db
    .selectFrom('subscriptions')
    .select('id')
    .where('protocol_id', '=', protocolId.toLowerCase())
    .executeTakeFirst()
  if (found?.id === caller.subscriptionId) return caller
  throw new Fault('account.other_subscription', 403, 'this certificate or token is not for that subscription', {
    hint: 'See its id: mainstay account show. Import the settings again: mainstay account publishsettings --out FILE',
  })
}

/** A hash of what a request shows, known or not; null: it shows nothing. */
export function shownBy(request: IncomingMessage): string | null {
  const token = tokenOf(request)
  if (token) return hashToken(token)
  const raw = rawCertificate(request)
  return raw && fingerprintOf(raw)
}

async function identify(db: Kysely<ControlDatabase>, request: IncomingMessage): Promise<KnownCaller> {
  const token = tokenOf(request)
  if (token) return await callerOfToken(db, token)
  const raw = rawCertificate(request)
  if (raw !== null) return await callerOfCertificate(db, raw)
  throw new Fault('account.no_certificate', 403, 'this endpoint wants a client certificate, or a token', {
    hint: 'Make the file and import it: mainstay account publishsettings --out FILE; azure account import FILE',
  })
}

function tokenOf({ headers }: IncomingMessage): string | undefined {
  return headers.authorization?.match(/^Bearer\s+(\S+)$/i)?.[1]
}

function rawCertificate({ socket }: IncomingMessage): Buffer | null {
  if (!(socket instanceof TLSSocket)) return null
  const certificate = socket.getPeerX509Certificate()
  return certificate?.raw ?? null
}
