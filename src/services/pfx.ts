// What a .pfx file (PKCS #12) holds. It is opened in a thread of its own: its maker chose how much work that is.
import { type MessagePort, Worker } from 'node:worker_threads'
import { Fault } from '../kit/fault.ts'
import { PFX_MEMORY_MB_MAX, PFX_MS_MAX } from '../kit/limits.ts'
import { sourceUrl } from '../kit/sources.ts'

type Order = { pfx: Uint8Array; password: string }
/** PEM. `keys`: all that are in it. */
type Found = { certificates: string[]; keys: string[] }
type FromThread = { found: Found } | { problem: string; isPassword: boolean }

/** Opens it. Faults with `certificate.bad_password` or `certificate.bad_file`. */
export async function readPfx(pfx: Uint8Array, password: string): Promise<{ chain: string; key: string }> {
  const answer = await openApart({ pfx, password })
  if ('problem' in answer) {
    if (!answer.isPassword) throw badFile(answer.problem)
    throw new Fault('certificate.bad_password', 400, 'the password does not open the .pfx file', {
      hint: 'Give the password that the file was exported with.',
    })
  }
  const [key, ...others] = answer.found.keys
  if (key === undefined) {
    throw new Fault('certificate.bad_file', 400, 'there is no private key in the .pfx file', {
      hint: 'Export the certificate together with its private key.',
    })
  }
  if (others.length > 0) throw badFile('it holds several private keys')
  return { chain: answer.found.certificates.join(''), key }
}

async function openApart(order: Order): Promise<FromThread> {
  const launcher = new URL('../../bin/thread.mjs', import.meta.url)
  const worker = new Worker(launcher, {
    workerData: { module: sourceUrl('services/pfx.ts').href, ...order },
    resourceLimits: { maxOldGenerationSizeMb: PFX_MEMORY_MB_MAX },
  })
  const ended = Promise.withResolvers<FromThread>()
  const timer = setTimeout(() => ended.reject(badFile('opening it takes too long')), PFX_MS_MAX)
  worker.once('message', (answer: FromThread) => ended.resolve(answer))
  worker.once('error', () => ended.reject(badFile('it is damaged')))
  worker.once('exit', () => ended.reject(badFile('it is damaged')))
  try {
    return await ended.promise
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}

function badFile(why: string): Fault {
  return new Fault('certificate.bad_file', 400, `the .pfx file cannot be read: ${why}`, {
    hint: 'Export it again, as PKCS #12 with one certificate, its private key, and those that issued it.',
  })
}

/** What the thread does: one file, one answer. */
export async function runThread(port: MessagePort, { pfx, password }: Order): Promise<void> {
  // Loaded here only: nothing else of control needs it.
  const { default: forge } = await import('node-forge')
  const { pki, pkcs12, asn1, util } = forge
  const pem = (type: string, tree: InstanceType<typeof Object>) => {
    const body = Buffer.from(asn1.toDer(tree as Parameters<typeof asn1.toDer>[0]).getBytes(), 'binary')
    const lines = body.toString('base64').match(/.{1,64}/g) ?? []
    return `-----BEGIN ${type}-----\n${lines.join('\n')}\n-----END ${type}-----\n`
  }
  const read = (): FromThread => {
    const tree = asn1.fromDer(util.createBuffer(Buffer.from(pfx).toString('binary')))
    const file = pkcs12.pkcs12FromAsn1(tree, false, password)
    const bags = (type: string) => file.getBags({ bagType: type })[type] ?? []
    const { certBag = '', keyBag = '', pkcs8ShroudedKeyBag = '' } = pki.oids
    // What is not RSA comes as it lies in the file.
    return {
      found: {
        certificates: bags(certBag).map((bag) =>
          pem('CERTIFICATE', bag.cert ? pki.certificateToAsn1(bag.cert) : bag.asn1),
        ),
        keys: [...bags(pkcs8ShroudedKeyBag), ...bags(keyBag)].map((bag) =>
          bag.key
            ? pem('PRIVATE KEY', pki.wrapRsaPrivateKey(pki.privateKeyToAsn1(bag.key)))
            : pem('PRIVATE KEY', bag.asn1),
        ),
      },
    }
  }
  try {
    port.postMessage(read())
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    port.postMessage({ problem: 'it is no PKCS #12 file, or damaged', isPassword: /password|MAC/i.test(problem) })
  }
}
