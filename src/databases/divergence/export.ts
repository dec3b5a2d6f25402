// From a lost primary, started as a reader, to a bundle on disk.
import type pg from 'pg'
import type { Bundle } from './bundle-reader.ts'
import { writeBundle } from './bundle-writer.ts'
import { decodeStranded, waitForWalEnd } from './decode.ts'

/** Decodes and writes; done again, it makes the same bundle anew. `client` is as for `decodeStranded`. */
export async function exportBundle(
  client: pg.Client,
  options: { path: string; server: string; epoch: number; forkLsn: string },
): Promise<Bundle> {
  const { path, server, epoch, forkLsn } = options
  const endLsn = await waitForWalEnd(client)
  const header = { server, epoch, forkLsn, endLsn, decodedAt: new Date().toISOString() }
  return await writeBundle(path, header, decodeStranded(client, forkLsn))
}
