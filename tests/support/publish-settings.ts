// Reads the certificate and key of publish settings as the original's command line does: without a password, and only a key
// that is enciphered with 3DES under a key made of nothing.
import forge from 'node-forge'

/** PEM. Throws where the old reader would. */
export function readPfx(pfx: Buffer): { key: string; cert: string } {
  const { pki, pkcs12, asn1, util } = forge
  const none = undefined as unknown as string
  const file = pkcs12.pkcs12FromAsn1(asn1.fromDer(util.createBuffer(pfx.toString('binary'))), false, none)
  const bags = (type: string | undefined) => file.getBags({ bagType: type ?? '' })[type ?? ''] ?? []
  const [shrouded, plain] = [bags(pki.oids.pkcs8ShroudedKeyBag), bags(pki.oids.keyBag)]
  const [certificate] = bags(pki.oids.certBag)
  const key = shrouded[0]?.key
  if (!key || plain.length > 0 || !certificate?.cert) throw new Error('the old reader could not read this')
  return { key: pki.privateKeyToPem(key), cert: pki.certificateToPem(certificate.cert) }
}
