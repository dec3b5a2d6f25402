// The page in tests/sdk-app, built as an app team would build it and served on loopback.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build, type Rollup } from 'vite'

const ROOT = fileURLToPath(new URL('../sdk-app', import.meta.url))
const TYPES: Record<string, string> = { html: 'text/html', js: 'text/javascript', wasm: 'application/wasm' }

/** Builds and serves it. `url` ends with a slash. */
export async function startSdkPage(): Promise<{ url: string; stop: () => void }> {
  const built = (await build({
    root: ROOT,
    configFile: false,
    logLevel: 'silent',
    base: './',
    // The client's packages know Node's modules by their names only.
    resolve: { alias: { util: 'util/', assert: 'assert/' } },
    define: { global: 'globalThis', 'process.env': '{}' },
    build: { write: false, minify: false },
  })) as Rollup.RollupOutput
  const files = new Map(
    built.output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]),
  )
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const name = pathname === '/' ? '/index.html' : pathname
    const file = files.get(name)
    if (file === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': TYPES[name.split('.').at(-1) ?? ''] ?? 'text/plain' }).end(file)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
