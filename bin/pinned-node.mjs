// Finds the Node that Mainstay runs on, and hands a command line over to it. Plain JavaScript that Node 18 understands.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'

const NEEDED_MAJOR = 24

/** Path of the pinned Node for this platform, or null where the package has none and the caller's own Node is too old. */
export function findPinnedNode() {
  const require = createRequire(import.meta.url)
  try {
    return require.resolve(`node-${process.platform}-${process.arch}/bin/node`)
  } catch {
    return isNewEnough() ? process.execPath : null
  }
}

/** True when the running Node can run Mainstay by itself. */
export function isNewEnough() {
  return Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR
}

/** Runs Node with `args` in place of this process: same terminal, same signals, same exit code. */
export function handOver(args) {
  const node = findPinnedNode()
  if (node === null) {
    process.stderr.write(
      `error:   Mainstay needs Node ${NEEDED_MAJOR} and this is ${process.version}.\n` +
        `Try:     install Node ${NEEDED_MAJOR} (there is no bundled one for ${process.platform}-${process.arch}).\n`,
    )
    process.exit(1)
  }
  // The ipc channel tells the child when this launcher is killed, so that it never outlives it unseen.
  const child = spawn(node, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal sends Ctrl-C to the whole group; only what was sent to us alone must be passed on.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)))
  }
  child.on('exit', (code, signal) => process.exit(signal ? 128 + 15 : (code ?? 1)))
}
