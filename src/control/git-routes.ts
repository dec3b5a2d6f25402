// Git over HTTP: `https://HOST/SERVICE.git`, as the tools of git speak it, by name and password.
import { pipeline } from 'node:stream/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type KnownCaller, requireRole } from '../accounts/caller.ts'
import { DeploymentSignIn } from '../accounts/deployment-users.ts'
import { AtOnce } from '../kit/at-once.ts'
import { Fault } from '../kit/fault.ts'
import { SOURCE_REQUESTS_AT_ONCE, SOURCE_REQUESTS_PER_SERVICE } from '../kit/limits.ts'
import type { Log } from '../kit/log.ts'
import { getService } from '../services/services.ts'
import { GIT_SERVICES, type GitAnswer, type GitService, serveGit } from '../source/git-http.ts'
import { getRepository, readRefs } from '../source/repository-rows.ts'
import type { ApiDeps } from './compose.ts'
import { decidePush } from './source-control.ts'

type GitDeps = Omit<ApiDeps, 'callerOf' | 'sessionOf'> & { heldBy: () => Fault | null; log: Log }
type Params = { repository: string }

const CHALLENGE = 'Basic realm="Mainstay", charset="UTF-8"'

/** Adds the routes: asking for the refs, fetching, pushing. */
export async function gitRoutes(app: FastifyInstance, deps: GitDeps): Promise<void> {
  const signIn = new DeploymentSignIn(deps.db)
  const atOnce = new AtOnce({ perOwner: SOURCE_REQUESTS_PER_SERVICE, all: SOURCE_REQUESTS_AT_ONCE })
  const hands = { deps, signIn, atOnce }
  // Bodies are git's, and never read whole.
  for (const service of GIT_SERVICES) {
    app.addContentTypeParser(`application/x-${service}-request`, (_request, _body, done) => done(null))
  }
  app.get<{ Params: Params; Querystring: { service?: unknown } }>('/:repository/info/refs', async (request, reply) => {
    const service = GIT_SERVICES.find((one) => one === request.query.service)
    if (service === undefined)
      return tell(reply, new Fault('source.dumb', 400, 'only the smart protocol of git is spoken here'))
    return await answer(hands, request, reply, { service, isAsking: true })
  })
  for (const service of GIT_SERVICES) {
    app.post<{ Params: Params }>(
      `/:repository/${service}`,
      { bodyLimit: Number.MAX_SAFE_INTEGER },
      async (request, reply) => answer(hands, request, reply, { service, isAsking: false }),
    )
  }
}

async function answer(
  { deps, signIn, atOnce }: { deps: GitDeps; signIn: DeploymentSignIn; atOnce: AtOnce },
  request: FastifyRequest<{ Params: Params }>,
  reply: FastifyReply,
  what: { service: GitService; isAsking: boolean },
): Promise<FastifyReply> {
  try {
    const caller = await callerOf(signIn, request)
    const isPush = what.service === 'git-receive-pack'
    requireRole(caller, isPush ? 'operator' : 'reader')
    const held = isPush ? deps.heldBy() : null
    if (held) throw held
    const service = await getService(deps.db, caller.subscriptionId, serviceNameOf(request.params.repository))
    const repository = await getRepository(deps.db, service)
    if (atOnce.fullOf(service.id) !== null) {
      throw new Fault('source.busy', 503, 'too many requests of git are under way', { hint: 'Try again in a moment.' })
    }
    await atOnce.during(service.id, async () => {
      const refs = await readRefs(deps.db, service.id)
      await deps.source.repositories.use(deps.db, { repository, refs }, async (place) => {
        const headers = request.headers
        const sent = {
          ...{ ...what, principal: caller.principal, body: request.raw },
          contentType: headers['content-type'] ?? '',
          contentEncoding: headers['content-encoding'] ?? '',
          protocol: textOf(headers['git-protocol']),
        }
        await serveGit(place, sent, {
          decide: async (push, say) => await decidePush(deps, { caller, service, place, refs }, push, say),
          take: async (said) => await pass(reply, said),
        })
      })
    })
    return reply
  } catch (error) {
    if (reply.raw.headersSent || reply.sent) {
      // Whoever is half way through an answer hears only that it ends.
      deps.log.warn({ err: error, requestId: request.id }, 'a request of git broke off')
      reply.raw.destroy()
      return reply
    }
    if (!(error instanceof Fault)) throw error
    if (error.status >= 500) deps.log.warn({ err: error, requestId: request.id }, 'a request of git failed')
    return tell(reply, error)
  }
}

async function callerOf(signIn: DeploymentSignIn, request: FastifyRequest): Promise<KnownCaller> {
  const [, sealed = ''] = /^Basic\s+(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  const [, name = '', password = ''] = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(sealed, 'base64').toString('utf8')) ?? []
  if (password !== '') return await signIn.callerOf({ name, password })
  throw new Fault('account.no_token', 401, 'git needs a name and a password here', {
    hint: 'A deployment user (mainstay account deployment-user set NAME), or any name with a token as the password.',
  })
}

function serviceNameOf(repository: string): string {
  const [, name] = /^(.+)\.git$/.exec(repository) ?? []
  if (name !== undefined) return name
  throw new Fault('source.unknown', 404, `there is no repository '${repository}'`, {
    hint: 'It is called SERVICE.git.',
  })
}

// By hand: what git says is passed on as it comes, while it may still be reading.
async function pass(reply: FastifyReply, { status, headers, body }: GitAnswer): Promise<void> {
  reply.hijack()
  reply.raw.writeHead(status, headers)
  await pipeline(body, reply.raw)
}

// As text, which git shows to whoever called it.
function tell(reply: FastifyReply, fault: Fault): FastifyReply {
  if (fault.status === 401) reply.header('www-authenticate', CHALLENGE)
  const lines = fault.hint === undefined ? [fault.message] : [fault.message, fault.hint]
  return reply
    .code(fault.status)
    .type('text/plain; charset=utf-8')
    .send(`${lines.join('\n')}\n`)
}

function textOf(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : ''
}
