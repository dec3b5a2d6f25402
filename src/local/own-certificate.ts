// The certificate of a cloud on one machine that was given none: self-signed, for the names of this machine only,
// kept in the home folder, and made anew before it ends.

import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { lifeOf, renewalOf } from '../kit/certificate-life.ts'
import { readTextIfAny, writeFileDurably } from '../kit/files.ts'

/** PEM files, as gateways take them. */
export type CertificateFiles = { cert: string; key: string }

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 24 * 3_600_000
/** Browsers take no certificate that is good for longer. */
const LIFE_DAYS = 397
const BACKDATE_MS = 3_600_000

/**
 * Makes the files in that folder unless a good pair is there. `isMade`: there was none, or it ends within a third of its
 * life; whoever trusted the one of before has to trust this one.
 */
export async function ensureOwnCertificate(
  folder: string,
  now: Date,
): Promise<{ files: CertificateFiles; isMade: boolean }> {
  const files = { cert: join(folder, 'localhost.pem'), key: join(folder, 'localhost.key') }
  const [cert, key] = [await readTextIfAny(files.cert), await readTextIfAny(files.key)]
  if (cert !== null && key !== null && isGood({ cert, key }, now)) return { files, isMade: false }
  const made = await makePair(now)
  // The key first: a certificate without its key is no pair, and is made anew the next time.
  await writeFileDurably(files.key, made.key)
  await writeFileDurably(files.cert, made.cert, 0o644)
  return { files, isMade: true }
}

function isGood(pair: { cert: string; key: string }, now: Date): boolean {
  try {
    const certificate = new X509Certificate(pair.cert)
    const isPair = certificate.checkPrivateKey(createPrivateKey(pair.key))
    return isPair && renewalOf(lifeOf(pair.cert), now.getTime()).kind === 'fresh'
  } catch {
    // Not what we wrote, or half of it.
    return false
  }
}

/** Loaded when one is made: every command of the CLI would wait for it otherwise. */
async function library() {
  // Its dependency injection wants this polyfill loaded before it.
  await import('reflect-metadata')
  return await import('@peculiar/x509')
}

// No authority: whoever trusts it trusts these names, and its key signs nothing for others.
async function makePair(now: Date): Promise<{ cert: string; key: string }> {
  const x509 = await library()
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const names = [
    ...(['localhost', '*.localhost'] as const).map((value) => ({ type: 'dns' as const, value })),
    ...(['127.0.0.1', '::1'] as const).map((value) => ({ type: 'ip' as const, value })),
  ]
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=localhost, O=Mainstay on this machine',
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(now.getTime() - BACKDATE_MS),
      notAfter: new Date(now.getTime() + LIFE_DAYS * DAY_MS - BACKDATE_MS),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(names),
      ],
    },
    webcrypto,
  )
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const lines = key.match(/.{1,64}/g) ?? []
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
  }
}
