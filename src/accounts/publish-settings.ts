// Publish settings, as the original's tools import them: a file in XML with the endpoint, the subscription and a new
// client certificate with its private key.
import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

/** `raw` is the certificate in DER, `pfx` what the tools read: it opens without a password. */
export type ClientCertificate = { raw: Buffer; pfx: Buffer }

// The tools ask for RSA by name.
const KEY_BITS = 2_048
// A clock of theirs may be behind.
const BACKDATE_MS = 3_600_000

/** Makes a key and a certificate for it that it signs itself: nobody asks who issued it, it is pinned. */
export async function makeClientCertificate(name: string, expiresAt: Date): Promise<ClientCertificate> {
  // Loaded here only: nothing else of this needs it.
  const { default: forge } = await import('node-forge')
  const { pki, pkcs12, asn1, md } = forge
  const made = await promisify(generateKeyPair)('rsa', {
    modulusLength: KEY_BITS,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const key = pki.privateKeyFromPem(made.privateKey)
  const certificate = pki.createCertificate()
  certificate.publicKey = pki.publicKeyFromPem(made.publicKey)
  certificate.serialNumber = serialNumberOf(randomBytes(16))
  certificate.validity.notBefore = new Date(Date.now() - BACKDATE_MS)
  certificate.validity.notAfter = expiresAt
  const subject = [
    { name: 'commonName', value: name, valueTagClass: asn1.Type.UTF8 as unknown as typeof asn1.Class.UNIVERSAL },
  ]
  certificate.setSubject(subject)
  certificate.setIssuer(subject)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', clientAuth: true },
  ])
  certificate.sign(key, md.sha256.create())
  // No password at all, which is another thing than an empty one; with null the key would not be enciphered, and the
  // tools read only one that is. They know 3DES and 40-bit RC2: the file is as secret as the key in it.
  const none = undefined as unknown as string
  const file = pkcs12.toPkcs12Asn1(key, [certificate], none, { algorithm: '3des', friendlyName: 'Mainstay' })
  return { raw: bytesOf(asn1.toDer(pki.certificateToAsn1(certificate))), pfx: bytesOf(asn1.toDer(file)) }
}

/**
 * A serial number as it lies in a certificate, in hexadecimal: positive, and without zeros in front. With those,
 * whoever reads the certificate and writes it again has another one (DER, X.690 8.3.2).
 */
export function serialNumberOf(random: Uint8Array): string {
  const [first = 0, ...rest] = random
  return Buffer.from([(first & 0x7f) | 0x40, ...rest]).toString('hex')
}

/** The file. What newer tools read of the subscription, older ones read of the profile. */
export function publishSettingsText(about: {
  subscription: { id: string; name: string }
  endpoint: string
  pfx: Buffer
}): string {
  const { id, name } = about.subscription
  const certificate = about.pfx.toString('base64')
  const endpoint = attribute(`${about.endpoint}/`)
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<PublishData>',
    `  <PublishProfile SchemaVersion="2.0" PublishMethod="AzureServiceManagementAPI" Url="${endpoint}" ManagementCertificate="${certificate}">`,
    `    <Subscription ServiceManagementUrl="${endpoint}" Id="${attribute(id)}" Name="${attribute(name)}" ManagementCertificate="${certificate}" />`,
    '  </PublishProfile>',
    '</PublishData>',
    '',
  ].join('\n')
}

function attribute(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

function bytesOf(buffer: { getBytes: () => string }): Buffer {
  return Buffer.from(buffer.getBytes(), 'binary')
}
