// An S3 server on loopback that we did not write, with one empty bucket.
import { buildApp } from 'fauxqs'
import type { S3Options } from '../../src/backups/s3-vault.ts'

/** `env`: what a host is started with to have its vault there. */
export type S3Server = { options: S3Options; env: NodeJS.ProcessEnv; stop: () => Promise<void> }

/** Starts it; it keeps its objects in memory and does not check signatures. */
export async function startS3Server(): Promise<S3Server> {
  const app = buildApp({ logger: false })
  const endpoint = await app.listen({ host: '127.0.0.1', port: 0 })
  const made = await fetch(`${endpoint}/backups`, { method: 'PUT' })
  if (!made.ok) throw new Error(`no bucket: ${made.status}`)
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'secret' }
  return {
    options: {
      endpoint,
      region: 'us-east-1',
      bucket: 'backups',
      prefix: 'cloud-1/',
      isPathStyle: true,
      ...credentials,
    },
    env: {
      MAINSTAY_VAULT: `s3://backups/cloud-1?endpoint=${encodeURIComponent(endpoint)}&path-style=yes`,
      MAINSTAY_VAULT_ACCESS_KEY_ID: credentials.accessKeyId,
      MAINSTAY_VAULT_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    stop: async () => await app.close(),
  }
}
