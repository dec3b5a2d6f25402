// A vault in a bucket of an object store that speaks the S3 protocol.
import type { S3Client } from '@aws-sdk/client-s3'
import { Fault, messageOf } from '../kit/fault.ts'
import { S3_CONNECT_MS_MAX, S3_REQUEST_MS_MAX, S3_TRIES_MAX } from '../kit/limits.ts'
import type { Vault } from '../kit/vault.ts'

export type S3Options = {
  /** Null for Amazon's own of that region. Plain http is for this machine only. */
  endpoint: string | null
  region: string
  bucket: string
  /** Put before every key; empty, or ending in a slash. */
  prefix: string
  accessKeyId: string
  secretAccessKey: string
  /** The bucket's name in the path instead of the host's name; most stores other than Amazon's want it. */
  isPathStyle: boolean
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

/**
 * Opens nothing before its first use. A put is one request, so nobody ever sees half an object. Faults with
 * `options.insecure`; calls with `vault.unreachable` or `vault.refused`, carrying the store's own words.
 */
export function s3Vault(options: S3Options): Vault {
  requireSecure(options.endpoint)
  const { bucket, prefix } = options
  const name = `s3://${bucket}/${prefix}`
  // The SDK takes a fifth of a second and 20 MB to load: only those pay who have such a vault.
  let opened: ReturnType<typeof load> | null = null
  const call = async <T>(what: string, work: (s3: Awaited<ReturnType<typeof load>>) => Promise<T>): Promise<T> => {
    try {
      opened ??= load(options)
      return await work(await opened)
    } catch (error) {
      throw faultOf(error, `${name}: ${what}`)
    }
  }
  return {
    name,
    put: async (key, content) =>
      await call(`writing ${key}`, async ({ client, sdk }) => {
        await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: `${prefix}${key}`, Body: content }))
      }),
    get: async (key) =>
      await call(`reading ${key}`, async ({ client, sdk }) => {
        try {
          const found = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: `${prefix}${key}` }))
          return (await found.Body?.transformToByteArray()) ?? new Uint8Array()
        } catch (error) {
          if (error instanceof sdk.NoSuchKey) return null
          throw error
        }
      }),
    list: async (below) =>
      await call(`listing ${below}`, async ({ client, sdk }) => {
        const keys: string[] = []
        const pages = sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${prefix}${below}` })
        for await (const page of pages) {
          for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key.slice(prefix.length))
        }
        return keys.sort()
      }),
    remove: async (key) =>
      await call(`removing ${key}`, async ({ client, sdk }) => {
        await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: `${prefix}${key}` }))
      }),
    // A store keeps nothing of a write that was cut short.
    sweep: async () => {},
  }
}

async function load(options: S3Options) {
  const sdk = await import('@aws-sdk/client-s3')
  const client: S3Client = new sdk.S3Client({
    region: options.region,
    credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
    forcePathStyle: options.isPathStyle,
    maxAttempts: S3_TRIES_MAX,
    requestHandler: {
      connectionTimeout: S3_CONNECT_MS_MAX,
      requestTimeout: S3_REQUEST_MS_MAX,
      throwOnRequestTimeout: true,
    },
    // Our objects carry their own checksums; stores other than Amazon's do not all know its newer ones.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
  })
  return { sdk, client }
}

// A store that does not let us in will not do so by itself later.
function faultOf(error: unknown, what: string): Fault {
  const status = (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode
  if (status !== 401 && status !== 403) {
    return new Fault('vault.unreachable', 503, `${what} failed: ${messageOf(error)}`, { cause: error })
  }
  return new Fault('vault.refused', 500, `${what} is not allowed: ${messageOf(error)}`, {
    hint: 'Check MAINSTAY_VAULT_ACCESS_KEY_ID, MAINSTAY_VAULT_SECRET_ACCESS_KEY, and what they may do in that bucket.',
    cause: error,
  })
}

function requireSecure(endpoint: string | null): void {
  if (endpoint === null) return
  const { protocol, hostname } = new URL(endpoint)
  if (protocol === 'https:' || LOOPBACK.test(hostname)) return
  throw new Fault('options.insecure', 400, `a vault at ${endpoint} would be written to over plain http`, {
    hint: 'Use https; plain http is for this machine only.',
  })
}
