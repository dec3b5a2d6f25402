// Certificates for tests of encrypted ways to a database: an authority, and a server's certificate for loopback.
// The certificate library's dependency injection wants this polyfill loaded before it.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const LIFE_MS = 3_600_000

export type TestAuthority = { certificate: string; issue: () => Promise<{ certificate: string; key: string }> }

/** An authority; what it issues is good for 127.0.0.1 and localhost. */
export async function makeTestAuthority(): Promise<TestAuthority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const life = { notBefore: new Date(Date.now() - LIFE_MS), notAfter: new Date(Date.now() + LIFE_MS) }
  const root = await x509.X509CertificateGenerator.createSelfSigned(
    {
      ...life,
      name: 'CN=authority of a test',
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    },
    webcrypto,
  )
  return {
    certificate: root.toString('pem'),
    async issue() {
      const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
      const certificate = await x509.X509CertificateGenerator.create(
        {
          ...life,
          subject: 'CN=localhost',
          issuer: root.subject,
          publicKey: own.publicKey,
          signingKey: keys.privateKey,
          signingAlgorithm: ALGORITHM,
          extensions: [
            new x509.SubjectAlternativeNameExtension([
              { type: 'ip', value: '127.0.0.1' },
              { type: 'dns', value: 'localhost' },
            ]),
          ],
        },
        webcrypto,
      )
      const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey)).toString('base64')
      return {
        certificate: certificate.toString('pem'),
        key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
      }
    },
  }
}
