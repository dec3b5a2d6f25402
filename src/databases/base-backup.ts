// A base backup over the replication protocol, written into an empty data folder and checked against its manifest.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../kit/fault.ts'
import { findMismatch, readArchive } from './backup-archive.ts'
import { type Progress, streamBaseBackup } from './base-backup-stream.ts'
import type { Upstream } from './cluster-config.ts'
import { identifySystem, replicationClient } from './replication-client.ts'

/** Asks the primary behind `from` who it is. Faults when it does not answer. */
export async function checkUpstream(from: Upstream): Promise<void> {
  const client = replicationClient(from)
  await client.connect()
  await identifySystem(client)
  await client.end()
}

/**
 * Copies the primary behind `from` into `dataFolder`, which must be empty, and verifies every file's SHA-256 and size.
 * The caller flushes it to disk. Faults with `standby.backup_damaged` or the primary's own error.
 */
export async function takeBaseBackup(from: Upstream, dataFolder: string, onProgress: Progress): Promise<void> {
  const client = replicationClient(from)
  await client.connect()
  try {
    const archive = readArchive(dataFolder)
    const streamed = streamBaseBackup(client, archive.write, { hasWal: true, onProgress })
    const [manifest] = await Promise.all([streamed.finally(() => archive.end()), archive.finished])
    for (const [path, file] of archive.files) {
      const found = await stat(join(dataFolder, path)).catch(() => null)
      if (found?.size !== file.bytes) throw damaged(path)
    }
    const mismatch = findMismatch(manifest, archive.files)
    if (mismatch !== null) throw damaged(mismatch)
  } finally {
    // A server that hangs must not keep us: the socket goes with the process's interest in it.
    client.end().catch(() => {})
  }
}

function damaged(path: string): Fault {
  return new Fault('standby.backup_damaged', 500, `the copy of ${path} does not match the primary's manifest`)
}
