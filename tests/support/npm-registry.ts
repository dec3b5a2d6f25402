// A registry of npm modules on loopback: packuments and tarballs, as npm's own protocol has them.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

/** What is in its package.json beside name and version, and its other files by their paths. */
export type TestPackage = { fields?: Record<string, unknown>; files: Record<string, string | Buffer> }

type Published = { packument: Record<string, unknown>; tarball: Buffer }

export class NpmRegistry {
  readonly #server: Server
  readonly #versions = new Map<string, Map<string, Published>>()
  /** The paths that were asked for. */
  readonly asked: string[] = []
  /** What it was shown. */
  readonly tokens = new Set<string>()
  /** It answers everything with that, while it is set. */
  status: number | null = null
  /** So many connections that ask for something are ended without an answer. */
  drops = 0
  url = ''

  private constructor() {
    this.#server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? '')
      this.asked.push(path)
      if (request.headers.authorization) this.tokens.add(request.headers.authorization)
      if (this.drops > 0) {
        this.drops -= 1
        request.socket.destroy()
        return
      }
      if (this.status !== null) {
        response.writeHead(this.status).end()
        return
      }
      const tarball = this.#tarballAt(path)
      const packument = this.#packumentAt(path)
      if (tarball) response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(tarball)
      else if (packument) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(packument))
      else response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Not found"}')
    })
  }

  static async start(): Promise<NpmRegistry> {
    const registry = new NpmRegistry()
    registry.#server.listen(0, '127.0.0.1')
    await once(registry.#server, 'listening')
    registry.url = `http://127.0.0.1:${(registry.#server.address() as AddressInfo).port}/`
    return registry
  }

  /** Publishes a version of a package. */
  async publish(name: string, version: string, { fields = {}, files }: TestPackage): Promise<void> {
    const tar = pack()
    const manifest = { name, version, ...fields }
    const all = { 'package.json': JSON.stringify(manifest), ...files }
    for (const [path, content] of Object.entries(all)) tar.entry({ name: `package/${path}` }, Buffer.from(content))
    tar.finalize()
    const tarball = gzipSync(await buffer(tar))
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
    const dist = { tarball: `${this.url}${name}/-/${fileOf(name, version)}`, integrity }
    const versions = this.#versions.get(name) ?? new Map<string, Published>()
    const scripts = (fields.scripts ?? {}) as Record<string, string>
    const hasInstallScript = 'install' in scripts || 'postinstall' in scripts
    versions.set(version, {
      packument: { ...manifest, ...(hasInstallScript ? { hasInstallScript } : {}), dist },
      tarball,
    })
    this.#versions.set(name, versions)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #packumentAt(path: string): object | null {
    const versions = this.#versions.get(path.slice(1))
    if (!versions) return null
    const latest = [...versions.keys()].at(-1)
    const all = Object.fromEntries([...versions].map(([version, { packument }]) => [version, packument]))
    return { name: path.slice(1), 'dist-tags': { latest }, versions: all }
  }

  #tarballAt(path: string): Buffer | null {
    for (const [name, versions] of this.#versions) {
      for (const [version, { tarball }] of versions) if (path === `/${name}/-/${fileOf(name, version)}`) return tarball
    }
    return null
  }
}

function fileOf(name: string, version: string): string {
  return `${name.split('/').at(-1)}-${version}.tgz`
}
