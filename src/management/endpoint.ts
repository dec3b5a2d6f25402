// The management endpoint as a part of control: built, listening, its certificate renewed, and closed.
import { Server as TlsServer } from 'node:tls'
import type { Accounts } from '../accounts/accounts.ts'
import { keepRenewed } from '../kit/certificate-life.ts'
import { listenOn } from '../kit/door.ts'
import { Fault } from '../kit/fault.ts'
import type { TlsFiles } from '../kit/http-server.ts'
import type { Log } from '../kit/log.ts'
import { applicationRoutes } from './application-routes.ts'
import { type ManagementListening, managementUrlOf, namesOf } from './listening.ts'
import { buildProtocol, type ProtocolOptions, type ProtocolRoutes } from './protocol.ts'
import { recoverRoutes } from './recover-routes.ts'
import { resourceRoutes } from './resource-routes.ts'
import { scaleRoutes } from './scale-routes.ts'
import { listRoutes, serviceRoutes } from './service-routes.ts'
import { subscriptionRoutes } from './subscription-routes.ts'

/** Below the subscription, and below a service. */
const SUBSCRIPTION_ROUTES: ProtocolRoutes[] = [listRoutes, subscriptionRoutes, applicationRoutes]
const SERVICE_ROUTES: ProtocolRoutes[] = [serviceRoutes, scaleRoutes, recoverRoutes, resourceRoutes]

export type Endpoint = { url: string; isSelfMade: boolean; close: () => Promise<void> }

type EndpointOptions = Pick<ProtocolOptions, 'log' | 'heldBy' | 'deps'> & {
  accounts: Accounts
  signal: AbortSignal
}

/** Opens it; null when it is off, or when nobody chose its port and another program has it. */
export async function openEndpoint(
  listening: ManagementListening | null,
  options: EndpointOptions,
): Promise<Endpoint | null> {
  if (listening === null) return null
  const { accounts, log, signal } = options
  const isSelfMade = listening.tls.kind === 'made'
  let tls = await tlsOf(listening, accounts)
  const routes = { subscriptionRoutes: SUBSCRIPTION_ROUTES, serviceRoutes: SERVICE_ROUTES }
  const { app, server } = await buildProtocol({ ...options, ...routes, tls })
  const port = await listenUnlessTaken(server, listening, log)
  if (port === null) {
    await app.close()
    return null
  }
  const renewing = isSelfMade
    ? keepRenewed({
        certificate: () => tls?.cert ?? '',
        renew: async () => {
          tls = await tlsOf(listening, accounts)
          if (tls && server instanceof TlsServer) server.setSecureContext({ ...tls, minVersion: 'TLSv1.2' })
        },
        onOver: () => log.error('the certificate of the management endpoint has ended'),
        onError: (error) => log.error({ err: error }, 'the certificate of the management endpoint was not renewed'),
        signal,
      })
    : Promise.resolve()
  return {
    url: managementUrlOf(listening, port),
    isSelfMade,
    async close() {
      server.closeAllConnections()
      await Promise.all([app.close(), renewing])
    },
  }
}

async function tlsOf({ tls, ...listening }: ManagementListening, accounts: Accounts): Promise<TlsFiles | null> {
  if (tls.kind === 'none') return null
  return tls.kind === 'given' ? tls.files : await accounts.serverCredentials(namesOf({ ...listening, tls }))
}

// The port that is taken unless somebody chose one is a usual one: control works without it, and says so.
async function listenUnlessTaken(
  server: Parameters<typeof listenOn>[0],
  listening: ManagementListening,
  log: Log,
): Promise<number | null> {
  try {
    return await listenOn(server, listening)
  } catch (error) {
    if (listening.isPortChosen || !(error instanceof Fault)) throw error
    log.warn(`the management endpoint is off: ${error.message} (--management-port NUMBER chooses another)`)
    return null
  }
}
