// .pfx files for tests, made by the library that reads them; and one that OpenSSL made.
import forge from 'node-forge'

/** A certificate for a name with an RSA key, as PEM and as PKCS #12 with a password. */
export function makePfx(name: string, password: string): { pfx: Buffer; chain: string; key: string } {
  const keys = forge.pki.rsa.generateKeyPair(2_048)
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = keys.publicKey
  certificate.serialNumber = '01'
  certificate.validity.notBefore = new Date(Date.now() - 60_000)
  certificate.validity.notAfter = new Date(Date.now() + 10 * 86_400_000)
  const names = [{ name: 'commonName', value: name }]
  certificate.setSubject(names)
  certificate.setIssuer(names)
  certificate.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }])
  certificate.sign(keys.privateKey, forge.md.sha256.create())
  const file = forge.pkcs12.toPkcs12Asn1(keys.privateKey, [certificate], password, { algorithm: 'aes256' })
  return {
    pfx: Buffer.from(forge.asn1.toDer(file).getBytes(), 'binary'),
    chain: forge.pki.certificateToPem(certificate),
    key: forge.pki.privateKeyToPem(keys.privateKey),
  }
}

/** For api.example.com and *.example.org until 2036, with a key on P-256 and the password "secret". */
export const OPENSSL_PFX = {
  password: 'secret',
  thumbprint: 'E6F8D8A9E377FE76ABABFC84CC5B22AD9D1F8A33',
  pfx: Buffer.from(
    'MIIEXAIBAzCCBBIGCSqGSIb3DQEHAaCCBAMEggP/MIID+zCCArIGCSqGSIb3DQEHBqCCAqMwggKfAgEAMIICmAYJKoZIhvcNAQcBMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhR3tXVAxGQZAICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEKSoiU9sfxyxSTeWp5DmKY+AggIwMPm3bYsRCk67Vzrp4RjGkAPUgNqUbeZjtzE0xrarEpdWVqsQQrSx/3szROJL8sMoMUZaylb5v8gm9ICm/NOOoASFux7Uo5G+N0VRDRqgnWaWiYH/kv4eZqh4DDGLfoCU6kAtgloj4axOvOTLNKEJ8hWya24Ror9/fAT+y0HcM3y/nY3OL5trahskOPAkEc2jPXtdDjbJrmBzyLUrGCu3M5xP30kgODKUtik0Nx2WOTCPExd0xo69FliO/9Lu+FOwtt/O6qOQSCcdwQ6nyHEVBJnyZneFd7J2ULKyYBNnOQ5xITmMmvA+HQ4lBq2XU5H1uRCaJz4sng3FPqPx92XB5gyljUco8XnFwmrE82hx0+y857autSZzJEip6kP8Sp4MTONEoyipwJhxys4Zat7SuaG9UShz/9hPS9l+zWbZzBBImFe297HTnGfFctxAKGUCEQTOju7CjJWWGrDYeoWSfBz9wU2NEPC6GNWXVbVEgt01OKGPjpTjL5Ps8HqYVy5s5WboLczXl7yMqYXQ8DoWBGZHAC2lVVFWi9ArHZDNXq0HF0uO+gZLAA5zD2Hf8ULdj+CuKQ+ZO/Hz/KaD12oA1YxzQ0n0aedLlEBpl2CGVrsetabeP5KdFN3j3w/UbiR0Ag5Gid9co1VHSjEH9rRHpG8tqqG+YZyxzuxUd6ZXbL8iF2BsgkA/A8OkQ7CRa/yGfHoHvCx6Mo31rILBrjs0pqnuQafK/bC6QCOU4AVjZzkwggFBBgkqhkiG9w0BBwGgggEyBIIBLjCCASowggEmBgsqhkiG9w0BDAoBAqCB7zCB7DBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQI3ZojRzSlGSECAggAMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBCN8uvWhzDP7Kq726Ef0T0UBIGQPxR8fHfLN05Hy+Wfw7bCoKxOIY5Vb3PnSMFqaMqiyzjip2LPHcR4xWJiXmHBK00OZINe00jkD2FkP7sixp0JZ4cppT4+nE3eRjtJTZMUhOwln000/7ZvtOu4KpXR0VbxXQ7N049efKarpnoJXAYgUA/cLV4k3L/3nTZUYHGJ4ra4fbD+0CbWo7Il+XLm8OGlMSUwIwYJKoZIhvcNAQkVMRYEFOb42Knjd/52q6v8hMxbIq2dH4ozMEEwMTANBglghkgBZQMEAgEFAAQgs8m/yUm+IfHamhNNnG7DQqcdh/IECwmas2Y1LVBKcAIECB7SyVbRcJbQAgIIAA==',
    'base64',
  ),
}
