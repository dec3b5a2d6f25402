// Certificates for host names in tests: an authority that a client may trust, and what it issues for names.
// The certificate library's dependency injection wants this polyfill loaded before it.
import 'reflect-metadata'
import { webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const HOUR_MS = 3_600_000

/** PEM. `thumbprint` as we write it. */
export type WebCertificate = { chain: string; key: string; thumbprint: string; serial: string }

export class WebAuthority {
  readonly root: string
  readonly #root: x509.X509Certificate
  readonly #keys: webcrypto.CryptoKeyPair

  private constructor(root: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#root = root
    this.#keys = keys
    this.root = root.toString('pem')
  }

  static async make(): Promise<WebAuthority> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const extensions = [new x509.BasicConstraintsExtension(true, undefined, true)]
    const life = { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + 1_000 * HOUR_MS) }
    const root = await x509.X509CertificateGenerator.createSelfSigned(
      { ...life, name: 'CN=web authority of a test', keys, signingAlgorithm: ALGORITHM, extensions },
      webcrypto,
    )
    return new WebAuthority(root, keys)
  }

  /** Issues one with a new key; `fromMs` and `untilMs` count from now. */
  async issue(names: string[], life: { fromMs?: number; untilMs?: number } = {}): Promise<WebCertificate> {
    const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const chain = await this.sign(own.publicKey, names, life)
    const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey)).toString('base64')
    const { fingerprint, serialNumber } = new X509Certificate(chain)
    const lines = key.match(/.{1,64}/g) ?? []
    return {
      chain,
      key: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
      thumbprint: fingerprint.replaceAll(':', ''),
      serial: serialNumber,
    }
  }

  /** Signs somebody's key for names. */
  async sign(
    publicKey: x509.PublicKeyType,
    names: string[],
    life: { fromMs?: number; untilMs?: number } = {},
  ): Promise<string> {
    const { fromMs = -HOUR_MS, untilMs = 100 * HOUR_MS } = life
    const certificate = await x509.X509CertificateGenerator.create(
      {
        notBefore: new Date(Date.now() + fromMs),
        notAfter: new Date(Date.now() + untilMs),
        subject: `CN=${names[0]}`,
        issuer: this.#root.subject,
        publicKey,
        signingKey: this.#keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value })))],
      },
      webcrypto,
    )
    return `${certificate.toString('pem')}\n`
  }
}
