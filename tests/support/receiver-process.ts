// A receiver of WAL in a process of its own; tests kill it. Tells its facts whenever they change.
import { openServerVault } from '../../src/backups/server-vault.ts'
import { WalReceiver } from '../../src/backups/wal-receiver.ts'
import type { Upstream } from '../../src/databases/cluster-config.ts'
import { folderVault } from '../../src/kit/vault.ts'

type Options = { from: Upstream; folder: string; key: string }

const options = JSON.parse(process.argv[2] ?? '') as Options
const vault = openServerVault(folderVault(options.folder), { server: 'sql-test', key: Buffer.from(options.key, 'hex') })
const receiver = new WalReceiver(vault, options.from)
const stopping = new AbortController()
process.once('disconnect', () => stopping.abort())
setInterval(() => process.connected && process.send?.(receiver.facts), 20).unref()
await receiver.run(stopping.signal)
