// A certificate with its private key, as people give them in PEM: checked to be usable, and put into one order.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { Fault } from '../kit/fault.ts'
import { CERTIFICATES_IN_CHAIN_MAX } from '../kit/limits.ts'

/** PEM: the chain begins with the certificate that the key belongs to; the key is PKCS #8. */
export type CertificateText = { chain: string; key: string }

/** What can be seen of a certificate. `thumbprint`: SHA-1, upper-case hex, as the original named certificates. */
export type CertificateFacts = {
  thumbprint: string
  subject: string
  issuer: string
  hostNames: string[]
  issuedAt: Date
  expiresAt: Date
}

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g
const RSA_BITS_MIN = 2_048

/** Reads the first certificate of a chain that was checked before. */
export function factsOf(chain: string): CertificateFacts {
  const certificate = new X509Certificate(chain)
  const names = certificate.subjectAltName?.split(', ') ?? []
  const dns = names.filter((name) => name.startsWith('DNS:')).map((name) => name.slice('DNS:'.length).toLowerCase())
  const commonName = certificate.subject?.match(/^CN=(.+)$/m)?.[1]
  return {
    thumbprint: thumbprintOf(certificate),
    subject: lineOf(certificate.subject),
    issuer: lineOf(certificate.issuer),
    hostNames: dns.length > 0 || commonName === undefined ? dns : [commonName.toLowerCase()],
    issuedAt: certificate.validFromDate,
    expiresAt: certificate.validToDate,
  }
}

/** True when a browser would take the certificate for that host name. */
export function isFor(chain: string, host: string): boolean {
  return new X509Certificate(chain).checkHost(host) !== undefined
}

/**
 * Takes certificates in any order, and the key of one of them. Faults with `certificate.bad_file`, `.key_mismatch`,
 * `.expired` or `.unusable`.
 */
export function checkCertificate(given: { chain: string; key: string; password?: string }, now: Date): CertificateText {
  const all = readAll(given.chain)
  const key = readKey(given.key, given.password)
  const own = all.find((one) => one.checkPrivateKey(key))
  if (!own) {
    throw new Fault('certificate.key_mismatch', 400, 'the private key does not belong to the certificate', {
      hint: 'Give the key that the certificate was requested with.',
    })
  }
  if (own.validToDate <= now) {
    throw new Fault('certificate.expired', 400, `the certificate ended on ${own.validToDate.toISOString()}`, {
      hint: 'Give one that is good now.',
    })
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN
  if (bits < RSA_BITS_MIN) throw unusable(`its key has ${bits} bits, and ${RSA_BITS_MIN} are the least`)
  const text = {
    chain: chainFrom(own, all)
      .map((one) => one.toString())
      .join(''),
    key: String(key.export({ type: 'pkcs8', format: 'pem' })),
  }
  try {
    createSecureContext({ cert: text.chain, key: text.key })
  } catch (error) {
    throw unusable(error instanceof Error ? error.message : String(error))
  }
  return text
}

function readAll(chain: string): X509Certificate[] {
  const blocks = chain.match(BLOCK) ?? []
  if (blocks.length === 0) throw badFile('there is no certificate in it', 'Give it in PEM: -----BEGIN CERTIFICATE-----')
  if (blocks.length > CERTIFICATES_IN_CHAIN_MAX) {
    throw badFile(`it holds ${blocks.length} certificates`, `Give at most ${CERTIFICATES_IN_CHAIN_MAX} of a chain.`)
  }
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch {
    throw badFile('one of its certificates is damaged', 'Give it as it came from whoever issued it.')
  }
}

function readKey(key: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey(passphrase === undefined ? { key } : { key, passphrase })
  } catch {
    const hint = 'Give it in PEM: -----BEGIN PRIVATE KEY-----; one that is locked with its password.'
    throw badFile('its private key cannot be read', hint)
  }
}

// What follows is who issued what came before. The root is left out: whoever trusts it has it.
function chainFrom(own: X509Certificate, all: X509Certificate[]): X509Certificate[] {
  const chain = [own]
  for (let last = own; chain.length < all.length; ) {
    const issuer = all.find((one) => !chain.includes(one) && last.checkIssued(one) && !one.checkIssued(one))
    if (!issuer) break
    chain.push(issuer)
    last = issuer
  }
  return chain
}

function thumbprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint.replaceAll(':', '')
}

// Node gives one name a line.
function lineOf(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ')
}

function badFile(what: string, hint: string): Fault {
  return new Fault('certificate.bad_file', 400, `the certificate cannot be taken: ${what}`, { hint })
}

function unusable(why: string): Fault {
  return new Fault('certificate.unusable', 400, `the certificate cannot be used: ${why}`, {
    hint: 'Use an RSA key of 2048 bits or more, or one of an elliptic curve.',
  })
}
