// An authority of the real protocol (RFC 8555) on loopback: signatures and nonces are checked, http-01 is fetched from
// a gateway, the request for a certificate is verified and signed.
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { createHash, createPublicKey, type JsonWebKey, randomUUID, verify, webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json, text } from 'node:stream/consumers'
import * as x509 from '@peculiar/x509'
import type { WebAuthority } from './web-certificates.ts'

type Status = 'pending' | 'ready' | 'valid' | 'invalid'
type AcmeOrder = {
  id: string
  name: string
  account: string
  token: string
  status: Status
  chain: string
  why: string
}
type Signed = { header: { alg: string; nonce: string; url: string; jwk?: JsonWebKey; kid?: string }; payload: Payload }
type Payload = { termsOfServiceAgreed?: boolean; contact?: string[]; identifiers?: { value: string }[]; csr?: string }

class Refusal extends Error {
  readonly type: string
  readonly status: number

  constructor(status: number, type: string, detail: string) {
    super(detail)
    this.status = status
    this.type = type
  }
}

export class AcmeServer {
  readonly #server: Server
  readonly #authority: WebAuthority
  readonly #gatewayPort: number
  readonly #nonces = new Set<string>()
  readonly #accounts = new Map<string, { jwk: JsonWebKey; contact: string[] }>()
  readonly #orders = new Map<string, AcmeOrder>()
  /** The life of what it issues, counted from now. */
  life: { fromMs?: number; untilMs?: number } = {}
  /** Orders are refused with these words. */
  refusal: string | null = null
  /** Nothing is looked at before this resolves. */
  looking: Promise<void> = Promise.resolve()
  /** How often it was asked to look, and how many certificates it has issued. */
  looked = 0
  issued = 0

  private constructor(server: Server, authority: WebAuthority, gatewayPort: number) {
    this.#server = server
    this.#authority = authority
    this.#gatewayPort = gatewayPort
  }

  /** `gatewayPort`: where every domain leads to, by plain HTTP. */
  static async start(authority: WebAuthority, gatewayPort: number): Promise<AcmeServer> {
    const server = createServer()
    const acme = new AcmeServer(server, authority, gatewayPort)
    server.on('request', (asked, response) => {
      acme.#answer(asked, response).catch((error) => acme.#refuse(response, error))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return acme
  }

  get directoryUrl(): string {
    return `${this.#url}/directory`
  }

  get contacts(): string[] {
    return [...this.#accounts.values()].flatMap(({ contact }) => contact)
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async #answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, word = '', id = ''] = (asked.url ?? '/').split('/')
    const send = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'replay-nonce': this.#nonce(), 'content-type': 'application/json', ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    if (word === 'directory') return send(200, this.#directory())
    if (word === 'nonce') return send(200, '')
    assert.equal(asked.method, 'POST', 'all else is signed, and posted')
    const { header, payload } = this.#check(asked, (await json(asked)) as Record<string, string>)
    if (word === 'account') return send(201, { status: 'valid' }, { location: this.#register(header.jwk, payload) })
    const account = header.kid ?? ''
    if (word === 'new-order') {
      const made = this.#order(account, payload)
      return send(201, this.#viewOrder(made), { location: `${this.#url}/order/${made.id}` })
    }
    const order = this.#orders.get(id)
    if (!order || order.account !== account) throw new Refusal(404, 'malformed', 'no such order')
    if (word === 'order') return send(200, this.#viewOrder(order))
    if (word === 'authorization') return send(200, this.#viewAuthorization(order))
    if (word === 'challenge') {
      this.#look(order, account).catch(() => {})
      return send(200, this.#viewAuthorization(order).challenges[0])
    }
    if (word === 'finalize') {
      await this.#finalize(order, payload.csr ?? '')
      return send(200, this.#viewOrder(order), { location: `${this.#url}/order/${id}` })
    }
    if (word === 'certificate') return send(200, order.chain, { 'content-type': 'application/pem-certificate-chain' })
    throw new Refusal(404, 'malformed', `nothing at ${asked.url}`)
  }

  #refuse(response: ServerResponse, error: unknown): void {
    const status = error instanceof Refusal ? error.status : 500
    const type = `urn:ietf:params:acme:error:${error instanceof Refusal ? error.type : 'serverInternal'}`
    const detail = error instanceof Error ? error.message : String(error)
    response.writeHead(status, { 'replay-nonce': this.#nonce(), 'content-type': 'application/problem+json' })
    response.end(JSON.stringify({ type, detail, status }))
  }

  #directory() {
    const at = (word: string) => `${this.#url}/${word}`
    const terms = { termsOfService: `${this.#url}/terms` }
    return { newNonce: at('nonce'), newAccount: at('account'), newOrder: at('new-order'), meta: terms }
  }

  #nonce(): string {
    const nonce = randomUUID()
    this.#nonces.add(nonce)
    return nonce
  }

  #check(asked: IncomingMessage, body: Record<string, string>): Signed {
    const { protected: head = '', payload = '', signature = '' } = body
    const header = JSON.parse(String(Buffer.from(head, 'base64url'))) as Signed['header']
    if (!this.#nonces.delete(header.nonce)) throw new Refusal(400, 'badNonce', 'that nonce was used')
    if (header.url !== `${this.#url}${asked.url}`) throw new Refusal(401, 'unauthorized', 'signed for another place')
    const jwk = header.jwk ?? this.#accounts.get(header.kid ?? '')?.jwk
    if (!jwk || header.alg !== 'ES256') throw new Refusal(401, 'accountDoesNotExist', 'who is that?')
    const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const }
    const isGood = verify('sha256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'))
    if (!isGood) throw new Refusal(401, 'unauthorized', 'the signature is wrong')
    return { header, payload: payload === '' ? {} : JSON.parse(String(Buffer.from(payload, 'base64url'))) }
  }

  #register(jwk: JsonWebKey | undefined, { termsOfServiceAgreed, contact = [] }: Payload): string {
    if (termsOfServiceAgreed !== true) throw new Refusal(403, 'userActionRequired', 'agree to the terms')
    assert.ok(jwk)
    const url = `${this.#url}/accounts/${thumbprintOf(jwk)}`
    this.#accounts.set(url, { jwk, contact })
    return url
  }

  #order(account: string, { identifiers = [] }: Payload): AcmeOrder {
    if (this.refusal !== null) throw new Refusal(429, 'rateLimited', this.refusal)
    const [name] = identifiers
    assert.ok(name && identifiers.length === 1)
    const [id, token] = [randomUUID(), randomUUID()]
    const made: AcmeOrder = { id, name: name.value, account, token, status: 'pending', chain: '', why: '' }
    this.#orders.set(id, made)
    return made
  }

  #viewOrder({ id, status, name }: AcmeOrder) {
    const at = (word: string) => `${this.#url}/${word}/${id}`
    const found = { status, identifiers: [{ type: 'dns', value: name }], authorizations: [at('authorization')] }
    return { ...found, finalize: at('finalize'), ...(status === 'valid' ? { certificate: at('certificate') } : {}) }
  }

  #viewAuthorization({ id, status, name, token, why }: AcmeOrder) {
    const proved = status === 'ready' || status === 'valid' ? 'valid' : status
    const error = why === '' ? {} : { error: { type: 'urn:ietf:params:acme:error:unauthorized', detail: why } }
    const challenge = { type: 'http-01', url: `${this.#url}/challenge/${id}`, token, status: proved, ...error }
    return { status: proved, identifier: { type: 'dns', value: name }, challenges: [challenge] }
  }

  async #look(order: AcmeOrder, account: string): Promise<void> {
    this.looked += 1
    await this.looking
    const path = `/.well-known/acme-challenge/${order.token}`
    const call = request({ host: '127.0.0.1', port: this.#gatewayPort, path, headers: { host: order.name } })
    call.end()
    const [answer] = await once(call, 'response')
    const found = (await text(answer)).trim()
    const expected = `${order.token}.${thumbprintOf(this.#accounts.get(account)?.jwk ?? {})}`
    if (order.status !== 'pending') return
    if (answer.statusCode === 200 && found === expected) order.status = 'ready'
    else Object.assign(order, { status: 'invalid', why: `${order.name} answered ${answer.statusCode}` })
  }

  async #finalize(order: AcmeOrder, csr: string): Promise<void> {
    if (order.status !== 'ready') throw new Refusal(403, 'orderNotReady', `the order is ${order.status}`)
    const asked = new x509.Pkcs10CertificateRequest(Buffer.from(csr, 'base64url'))
    if (!(await asked.verify(webcrypto))) throw new Refusal(400, 'badCSR', 'its signature is wrong')
    const named = asked.extensions.find((one) => one instanceof x509.SubjectAlternativeNameExtension)
    assert.deepEqual(named?.names.toJSON(), [{ type: 'dns', value: order.name }])
    order.chain = (await this.#authority.sign(asked.publicKey, [order.name], this.life)) + this.#authority.root
    order.status = 'valid'
    this.issued += 1
  }
}

function thumbprintOf({ crv, kty, x, y }: JsonWebKey): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
}
