// The portal's files as Vite built them, served with a policy that lets a page load and run nothing else.
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PORTAL_SECTIONS, WELCOME_PATH } from '../contract/portal-page.ts'
import { type Portal, requireHost } from './http-session.ts'

const FOLDER = new URL('../../dist/portal', import.meta.url).pathname
const PAGE = 'index.html'
const NONCE = '%STYLE_NONCE%'
const NONCE_BYTES = 16

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
}

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

const NOT_BUILT = `<!doctype html><meta charset="utf-8"><title>Mainstay</title>
<p>The portal was not built. Run <code>npm run build</code> and start control again.</p>`

/** Serves the page at every path that is nobody else's, and what it is made of. */
export function addPortal(app: FastifyInstance, portal: Portal): void {
  const files = readBuilt()
  const page = files.get(`/${PAGE}`)?.toString('utf8') ?? NOT_BUILT
  for (const [path, body] of files) {
    if (path === `/${PAGE}`) continue
    app.get(path, async (_request, reply) => {
      // Vite puts a hash of what is in it into each name.
      const headers = { ...HEADERS, 'cache-control': 'public, max-age=31536000, immutable' }
      return reply
        .headers(headers)
        .type(TYPES[extname(path)] ?? 'application/octet-stream')
        .send(body)
    })
  }
  const send = async (request: FastifyRequest, reply: FastifyReply) => {
    requireHost(portal, request.host)
    const nonce = randomBytes(NONCE_BYTES).toString('base64')
    const headers = { ...HEADERS, 'content-security-policy': policyWith(nonce), 'cache-control': 'no-store' }
    return reply.headers(headers).type('text/html; charset=utf-8').send(page.replaceAll(NONCE, nonce))
  }
  for (const path of PAGES) app.get(path, send)
}

/** What the portal shows below its root; everything else stays a 404. */
const PAGES = ['/', WELCOME_PATH, ...PORTAL_SECTIONS.flatMap((name) => [`/${name}`, `/${name}/*`])]

// https://developer.mozilla.org/docs/Web/HTTP/Guides/CSP. What is styled at run time carries the nonce.
function policyWith(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function readBuilt(): Map<string, Buffer> {
  try {
    const entries = readdirSync(FOLDER, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile())
    const paths = entries.map((entry) => join(entry.parentPath, entry.name))
    return new Map(paths.map((path) => [`/${relative(FOLDER, path)}`, readFileSync(path)]))
  } catch {
    // A checkout that was never built: everything but the portal works.
    return new Map()
  }
}
