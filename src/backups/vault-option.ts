// The vault that a host was told of: a folder, or a bucket of an object store as a URL.
import { isAbsolute } from 'node:path'
import { s3Vault } from '../backups/s3-vault.ts'
import { Fault } from '../kit/fault.ts'
import { realFolder } from '../kit/home-folder.ts'
import { folderVault, type Vault } from '../kit/vault.ts'

export type VaultCredentials = { accessKeyId: string | null; secretAccessKey: string | null }

/**
 * `none`, a folder, or `s3://BUCKET/PREFIX?region=R&endpoint=URL&path-style=yes`. Null for none. Faults with
 * `options.bad_vault` or `options.insecure`.
 */
export function parseVault(text: string | undefined, credentials: VaultCredentials): Vault | null {
  if (text === undefined || text === '' || text === 'none') return null
  if (!text.startsWith('s3://')) {
    if (isAbsolute(text) || text.startsWith('.')) return folderVault(realFolder(text))
    throw bad(`'${text}' is no folder and no bucket`)
  }
  const { accessKeyId, secretAccessKey } = credentials
  if (accessKeyId === null || secretAccessKey === null) throw bad('a bucket needs credentials')
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || url.hostname === '') throw bad(`'${text}' names no bucket`)
  const prefix = url.pathname.replace(/^\/+/, '')
  return s3Vault({
    endpoint: url.searchParams.get('endpoint'),
    region: url.searchParams.get('region') ?? 'us-east-1',
    bucket: url.hostname,
    prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
    accessKeyId,
    secretAccessKey,
    isPathStyle: ['yes', 'true', '1'].includes(url.searchParams.get('path-style') ?? ''),
  })
}

function bad(message: string): Fault {
  return new Fault('options.bad_vault', 400, `--vault: ${message}`, {
    hint:
      'Give a folder (/srv/backups), or s3://BUCKET/PREFIX?region=R&endpoint=URL with MAINSTAY_VAULT_ACCESS_KEY_ID and ' +
      'MAINSTAY_VAULT_SECRET_ACCESS_KEY.',
  })
}
