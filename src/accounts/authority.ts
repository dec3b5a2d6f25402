// Control's own certificate authority: what it signs is how machines know one another.
// The certificate library's dependency injection wants this polyfill loaded before it.
import 'reflect-metadata'
import { createPublicKey, webcrypto, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import { Fault } from '../kit/fault.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const YEAR_MS = 365 * 24 * 3_600_000
const AUTHORITY_YEARS = 20
// Machines' clocks may differ; a certificate made now must be good on one that is behind.
const BACKDATE_MS = 3_600_000

/** The authority's certificate and private key, PEM. The key never leaves control. */
export type Authority = { certificate: string; key: string }

/** Makes a new authority. */
export async function makeAuthority(): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=Mainstay machines',
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - BACKDATE_MS),
      notAfter: new Date(Date.now() + AUTHORITY_YEARS * YEAR_MS),
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    },
    webcrypto,
  )
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  return { certificate: certificate.toString('pem'), key: toPem('PRIVATE KEY', key) }
}

/**
 * Signs a machine's certificate: name (CN), role (OU), failure domain (O), good for `lifeMs` from now. `publicKey` is SPKI
 * PEM. Faults with `join.bad_key`.
 */
export async function issueCertificate(
  authority: Authority,
  subject: { name: string; role: string; domain: string },
  options: { publicKey: string; lifeMs: number },
): Promise<string> {
  const signingKey = await webcrypto.subtle.importKey('pkcs8', fromPem(authority.key), ALGORITHM, false, ['sign'])
  const key = await readPublicKey(options.publicKey)
  const now = Date.now()
  const certificate = await x509.X509CertificateGenerator.create(
    {
      // As structured fields, so that a comma in a domain's name stays a comma.
      subject: new x509.Name([{ CN: [subject.name] }, { OU: [subject.role] }, { O: [subject.domain] }]).toString(),
      issuer: new x509.X509Certificate(authority.certificate).subject,
      publicKey: key,
      signingKey,
      signingAlgorithm: ALGORITHM,
      // Not further back than forward: when it is due for renewal is counted from both ends.
      notBefore: new Date(now - Math.min(BACKDATE_MS, options.lifeMs)),
      notAfter: new Date(now + options.lifeMs),
      extensions: [
        new x509.BasicConstraintsExtension(false),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ],
    },
    webcrypto,
  )
  const pem = certificate.toString('pem')
  if (!new X509Certificate(pem).checkIssued(new X509Certificate(authority.certificate))) {
    throw new TypeError('the certificate does not verify against its authority')
  }
  return pem
}

/**
 * Signs a certificate of a web server for names and addresses, good for `lifeMs` from now. It names no role, so that no door
 * takes it for a machine's. `publicKey` is SPKI PEM.
 */
export async function issueServerCertificate(
  authority: Authority,
  names: string[],
  options: { publicKey: string; lifeMs: number },
): Promise<string> {
  const signingKey = await webcrypto.subtle.importKey('pkcs8', fromPem(authority.key), ALGORITHM, false, ['sign'])
  const now = Date.now()
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: new x509.Name([{ CN: ['Mainstay management endpoint'] }]).toString(),
      issuer: new x509.X509Certificate(authority.certificate).subject,
      publicKey: await readPublicKey(options.publicKey),
      signingKey,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(now + options.lifeMs),
      extensions: [
        new x509.BasicConstraintsExtension(false),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
        ),
      ],
    },
    webcrypto,
  )
  return `${certificate.toString('pem')}\n`
}

async function readPublicKey(pem: string): Promise<webcrypto.CryptoKey> {
  try {
    const spki = createPublicKey(pem).export({ type: 'spki', format: 'der' })
    return await webcrypto.subtle.importKey('spki', spki, ALGORITHM, true, ['verify'])
  } catch (error) {
    throw new Fault('join.bad_key', 400, 'this is not a public key of the kind that machines have', {
      hint: 'Run the same release of Mainstay on both machines.',
      cause: error,
    })
  }
}

function toPem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function fromPem(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64')
}
