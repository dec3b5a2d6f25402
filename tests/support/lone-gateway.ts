// A gateway's two public ports without control, before a runtime that tells what it was sent.

import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { issueCertificate, makeAuthority } from '../../src/accounts/authority.ts'
import type { GatewayAssignment, Route } from '../../src/contract/assignment.ts'
import { RUNTIME_PROTOCOL } from '../../src/contract/protocols.ts'
import { DashboardCopy } from '../../src/gateway/dashboard-copy.ts'
import { Holds } from '../../src/gateway/holds.ts'
import { Lane } from '../../src/gateway/lane.ts'
import { answerPublic } from '../../src/gateway/public-server.ts'
import { Routes } from '../../src/gateway/routes.ts'
import { SecurePort } from '../../src/gateway/secure-port.ts'
import { type CertificatePair, ShownCertificates } from '../../src/gateway/shown-certificates.ts'
import { Traffic } from '../../src/gateway/traffic.ts'
import { Door, listenOn } from '../../src/kit/door.ts'
import { serveHttp } from '../../src/kit/door-http.ts'
import { networksOf } from '../../src/kit/networks.ts'
import { HighestEpoch } from '../../src/machine/highest-epoch.ts'
import { makeKey } from '../../src/machine/join.ts'

const AT_LOOPBACK = { address: '127.0.0.1', port: 0 }

/** What the runtime was sent. */
export type Echoed = { method: string; url: string; headers: Record<string, string>; body: string }

export class LoneGateway {
  readonly holds = new Holds()
  readonly traffic = new Traffic(pino({ level: 'silent' }), () => {})
  readonly routes: Routes
  readonly secure: SecurePort
  readonly lane: Lane
  readonly ports: { plain: number; tls: number }
  readonly #readByNode: () => number
  readonly #folder: string
  readonly #route: Route
  readonly #ends: (() => Promise<unknown> | unknown)[]
  #version = 0

  private constructor(parts: {
    routes: Routes
    secure: SecurePort
    lane: Lane
    readByNode: () => number
    ports: { plain: number; tls: number }
    folder: string
    route: Route
    holds: Holds
    traffic: Traffic
    ends: (() => Promise<unknown> | unknown)[]
  }) {
    this.routes = parts.routes
    this.secure = parts.secure
    this.lane = parts.lane
    this.#readByNode = parts.readByNode
    this.ports = parts.ports
    this.holds = parts.holds
    this.traffic = parts.traffic
    this.#folder = parts.folder
    this.#route = parts.route
    this.#ends = parts.ends
  }

  /**
   * `proxies`: networks whose word is believed. `runtime`: answers in place of the one that tells what it was sent.
   * `keepAliveMs`: how long a connection is kept without a request.
   */
  static async start(
    options: { own?: CertificatePair | null; proxies?: string[]; runtime?: RequestListener; keepAliveMs?: number } = {},
  ): Promise<LoneGateway> {
    const folder = await mkdtemp(join(tmpdir(), 'mainstay-lone-gateway-'))
    const authority = await makeAuthority()
    const credentials = async (name: string, role: string) => {
      const { key, publicKey } = makeKey()
      const subject = { name, role, domain: 'West US' }
      const certificate = await issueCertificate(authority, subject, { publicKey, lifeMs: 3_600_000 })
      return { authority: authority.certificate, key, certificate }
    }
    const runtime = createServer(options.runtime ?? answerAsRuntime)
    const host = new Door(await credentials('west-us-1', 'host'), { [RUNTIME_PROTOCOL]: serveHttp(runtime) })
    const port = await host.listen(AT_LOOPBACK)
    const door = new Door(await credentials('gateway-1', 'gateway'))
    const log = pino({ level: 'silent' })
    const holds = new Holds()
    const traffic = new Traffic(log, () => {})
    const certificates = new ShownCertificates(log)
    const routes = new Routes({ door, home: folder, highest: await HighestEpoch.open(folder), holds, certificates })
    const plain = createServer({ keepAliveTimeout: options.keepAliveMs ?? 5_000 })
    let tlsPort: number | null = null
    const answering = {
      ...{ routes, holds, traffic, counts: { requests: 0, failedRequests: 0 }, isLost: () => false },
      dashboard: new DashboardCopy(folder, () => []),
      proxies: networksOf(options.proxies ?? []),
      httpsPort: () => tlsPort,
    }
    let readByNode = 0
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      readByNode += 1
      answerPublic(request, response, answering).catch(() => response.destroy())
    }
    plain.on('request', answer)
    const lane = new Lane(plain, { ...answering, onError: throwLater })
    const secure = new SecurePort({ certificates, own: options.own ?? null, plain, answer })
    tlsPort = await secure.listen(AT_LOOPBACK)
    const ports = { plain: await listenOn(plain, AT_LOOPBACK), tls: tlsPort }
    const to = { machine: 'west-us-1', region: 'West US', address: '127.0.0.1', port }
    const route: Route = { service: 'todo', epoch: 7, runtime: 'shared', to, closed: null }
    const ends = [
      () => secure.close(),
      () => lane.close(),
      () => endServer(plain),
      () => routes.close(),
      () => door.close(),
    ]
    const all = [...ends, () => host.close(), () => endServer(runtime)]
    const gateway = new LoneGateway({
      ...{ routes, secure, lane, ports, folder, route, ends: all, holds, traffic },
      readByNode: () => readByNode,
    })
    await gateway.assign({})
    return gateway
  }

  /** Requests that were read by Node's servers: not plain ones. */
  get readByNode(): number {
    return this.#readByNode()
  }

  get folder(): string {
    return this.#folder
  }

  /** Where `todo` is served. */
  get route(): Route {
    return this.#route
  }

  /** Follows another assignment: the route of `todo`, and what is given. */
  async assign(changes: Partial<GatewayAssignment> & { https?: Route['https'] | undefined }): Promise<void> {
    const { https, ...rest } = changes
    this.#version += 1
    const routes = [https ? { ...this.#route, https } : this.#route]
    await this.routes.assign({ version: this.#version, routes, hosts: [], ...rest })
  }

  async dispose(): Promise<void> {
    for (const end of this.#ends) await end()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

// To nobody in particular: it is a mistake, and the test fails.
function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}

function endServer(server: Server): void {
  server.closeAllConnections()
  server.close()
}

// `/status/NUMBER` answers that, `/large/NUMBER` so many bytes, `/hang` never.
async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, word = '', number = ''] = (request.url ?? '/').split('/')
  if (word === 'hang') return
  let body = ''
  for await (const chunk of request) body += String(chunk)
  if (word === 'large') {
    response.writeHead(200, { 'content-length': number }).end(Buffer.alloc(Number(number), 'x'))
    return
  }
  const { method = '', url = '', headers } = request
  response.setHeader('x-of-runtime', 'yes')
  response.setHeader('connection', 'keep-alive')
  response.writeHead(word === 'status' ? Number(number) : 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ method, url, headers, body } as Echoed))
}

function answerAsRuntime(request: IncomingMessage, response: ServerResponse): void {
  respond(request, response).catch(() => response.destroy())
}
