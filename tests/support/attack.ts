// What a hostile script tries. Runs inside a sandbox: `attack` is sent there as text and may use nothing from here.

export type Targets = {
  pids: number[]
  files: string[]
  folders: string[]
  sockets: string[]
  ports: number[]
}
/** What was tried, and the code of its failure; 'GOT IT' where it did not fail. */
export type Findings = [string, string][]

/** Tries everything and tells `done`. Only Node's own modules, as Node gives them. */
export function attack(targets: Targets, done: (findings: Findings) => void): void {
  const get = (name: string) => process.getBuiltinModule(name) as never
  const fs: typeof import('node:fs') = get('node:fs')
  const net: typeof import('node:net') = get('node:net')
  const dgram: typeof import('node:dgram') = get('node:dgram')
  const children: typeof import('node:child_process') = get('node:child_process')
  const threads: typeof import('node:worker_threads') = get('node:worker_threads')
  const findings: Findings = []
  const note = (what: string, error?: unknown) => {
    const code =
      typeof error === 'object' && error !== null && 'code' in error
        ? String(error.code)
        : error
          ? String(error)
          : 'GOT IT'
    findings.push([what, code])
  }
  const attempt = (what: string, work: () => unknown) => {
    try {
      work()
      note(what)
    } catch (error) {
      note(what, error)
    }
  }
  for (const pid of targets.pids) {
    attempt(`kill ${pid}`, () => process.kill(pid, 'SIGKILL'))
    attempt(`environment of ${pid}`, () => fs.readFileSync(`/proc/${pid}/environ`))
    attempt(`root of ${pid}`, () => fs.readFileSync(`/proc/${pid}/root/etc/passwd`))
  }
  attempt('list processes', () => fs.readdirSync('/proc'))
  attempt('own environment in the kernel', () => fs.readFileSync('/proc/self/environ'))
  for (const path of [...targets.files, ...targets.files.map((path) => `/../../../..${path}`)]) {
    attempt(`read ${path}`, () => fs.readFileSync(path))
    attempt(`stat ${path}`, () => fs.statSync(path))
    attempt(`write ${path}`, () => fs.writeFileSync(path, 'x'))
  }
  for (const path of targets.folders) {
    attempt(`list ${path}`, () => fs.readdirSync(path))
    attempt(`make ${path}/x`, () => fs.writeFileSync(`${path}/x`, 'x'))
  }
  for (const path of ['/x', '/code/x', '/code/main.mjs', '/node', '/dev/shm/x']) {
    attempt(`write ${path}`, () => fs.writeFileSync(path, 'x'))
    attempt(`change ${path}`, () => fs.chmodSync(path, 0o777))
    attempt(`remove ${path}`, () => fs.rmSync(path))
  }
  for (const program of ['/bin/sh', '/usr/bin/env', '/usr/bin/unshare']) {
    attempt(`run ${program}`, () => {
      const { error } = children.spawnSync(program, ['-c', 'true'])
      if (error) throw error
    })
  }
  attempt('become root', () => process.setuid?.(0))
  attempt('become another group', () => process.setgid?.(0))
  attempt('start a thread that is none of ours', () => {
    if (process.permission) new threads.Worker('1', { eval: true })
    else throw new Error('not tried')
  })

  const connecting = [
    ...targets.sockets.map((path) => ({ what: `connect to ${path}`, to: { path } })),
    ...targets.ports.flatMap((port) =>
      ['127.0.0.1', '::1', 'localhost', '0.0.0.0'].map((host) => ({
        what: `connect to ${host}:${port}`,
        to: { host, port },
      })),
    ),
  ]
  let open = connecting.length + targets.ports.length
  const finish = () => {
    open -= 1
    if (open === 0) done(findings)
  }
  for (const { what, to } of connecting) {
    const socket = net.connect(to as never)
    socket.once('connect', () => {
      note(what)
      socket.destroy()
      finish()
    })
    socket.once('error', (error) => {
      note(what, error)
      finish()
    })
  }
  for (const port of targets.ports) {
    const socket = dgram.createSocket('udp4')
    socket.on('error', () => {})
    socket.send('x', port, '127.0.0.1', (error) => {
      note(`datagram to ${port}`, error ?? undefined)
      socket.close()
      finish()
    })
  }
}
