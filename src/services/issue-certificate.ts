// A certificate for a domain, asked for and shown by itself: an order of an authority, carried on by whoever lives.
// Until the last step, and whenever one fails, the domain shows what it showed before.
import type { Client, Order } from 'acme-client'
import type { Kysely } from 'kysely'
import type { Caller } from '../accounts/caller.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import { Fault } from '../kit/fault.ts'
import { ACME_AGAIN_MS, ACME_WAIT_MS_MAX, ACME_WORDS_MAX } from '../kit/limits.ts'
import { insertOperation, type Operation, serviceIdOf } from '../operations/operations.ts'
import { notYet, type OperationKind, type StepContext, type StepResult } from '../operations/runner.ts'
import { bumpDesired } from '../regions/regions.ts'
import { getAuthority, noteAccount } from './acme-authority.ts'
import { calling, connect, makeKey, makeRequest, readAuthorization, readOrder } from './acme-client.ts'
import { checkCertificate, factsOf, isFor } from './certificate-text.ts'
import { insertCertificate } from './certificates.ts'
import { insertChallenge, removeChallenges } from './challenges.ts'
import type { ServiceDeps } from './create-service.ts'
import { noteIssueFailure, removeIfUnused, type ServiceDomain, showIssued } from './domains.ts'
import { getServiceById, lockServices, type Service } from './services.ts'

type Facts = { orderUrl?: string; sealedKey?: string; isAsked?: boolean; chain?: string; waitsSince?: number }
type Deps = Pick<ServiceDeps, 'db' | 'seal' | 'field'>

const STEPS = [
  { name: 'order', sentence: 'Ordering the certificate' },
  { name: 'challenge', sentence: 'Having the gateways answer for the domain' },
  { name: 'prove', sentence: 'Letting the authority look' },
  { name: 'issue', sentence: 'Having the certificate issued' },
  { name: 'show', sentence: 'Showing it' },
]

/** Writes the operation inside the caller's transaction, which holds the service; the one that is under way for the domain, if there is one. */
export async function beginIssue(
  trx: Kysely<ControlDatabase>,
  caller: Caller,
  service: Service,
  domain: string,
): Promise<string> {
  const running = await findRunningIssue(trx, service.id, domain)
  if (running !== null) return running
  return await insertOperation(trx, {
    kind: 'issue_certificate',
    caller,
    subject: { service: { id: service.id, name: service.name } },
    input: { domain },
    steps: STEPS,
    idempotencyKey: null,
  })
}

async function findRunningIssue(
  db: Kysely<ControlDatabase>,
  serviceId: string,
  domain: string,
): Promise<string | null> {
  const rows = await db
    .selectFrom('operations')
    .select(['id', 'input'])
    .where('kind', '=', 'issue_certificate')
    .where('service_id', '=', serviceId)
    .where('state', '=', 'running')
    .execute()
  return rows.find(({ input }) => input.domain === domain)?.id ?? null
}

/** How it is carried out. Nothing is held: the service may be recovered or moved meanwhile. */
export function issueCertificateKind(deps: Deps): OperationKind {
  const { db, field } = deps
  return {
    steps: [
      { name: 'order', run: async (context) => await order(deps, context) },
      { name: 'challenge', run: async (context) => await challenge(deps, context) },
      { name: 'prove', isEndless: true, run: async (context) => await prove(deps, context) },
      { name: 'issue', isEndless: true, run: async (context) => await issue(deps, context) },
      { name: 'show', run: async (context) => await show(deps, context) },
    ],
    async finish(_context, end) {
      await end(db, {})
    },
    async fail({ operation }, fault, end) {
      await db.transaction().execute(async (trx) => {
        await removeChallenges(trx, operation.id)
        await noteIssueFailure(trx, { service_id: serviceIdOf(operation), name: domainOf(operation) }, fault.message)
        await bumpDesired(trx)
        const again = `mainstay mobile domain ssl enable ${operation.service_name} ${domainOf(operation)} --acme`
        await end(trx, { state: 'failed', next: again })
      })
      await field.push()
    },
  }
}

// The key is kept before anything is asked for with it: an order that was finished for a key that nobody has is lost.
async function order(deps: Deps, { operation, facts }: StepContext): Promise<StepResult> {
  const known = facts as Facts
  await requireWanted(deps, operation)
  known.sealedKey ??= deps.seal.seal(await makeKey())
  if (known.orderUrl === undefined) {
    const { client, directoryUrl } = await account(deps)
    const name = domainOf(operation)
    const made = await calling(directoryUrl, async () => {
      return await client.createOrder({ identifiers: [{ type: 'dns', value: name }] })
    })
    known.orderUrl = made.url
  }
  return { kind: 'done' }
}

async function challenge(deps: Deps, context: StepContext): Promise<StepResult> {
  const { operation } = context
  await requireWanted(deps, operation)
  const { client, directoryUrl, found } = await orderOf(deps, context)
  if (found.status !== 'pending') return { kind: 'done', detail: 'it was proved before' }
  const authorization = await readAuthorization(directoryUrl, client, found)
  if (authorization.status === 'valid') return { kind: 'done', detail: 'it was proved before' }
  const asked = authorization.challenges.find(({ type }) => type === 'http-01')
  if (!asked) throw new Fault('acme.failed', 503, 'the authority does not look over HTTP (http-01)')
  const answer = await client.getChallengeKeyAuthorization(asked)
  await deps.db.transaction().execute(async (trx) => {
    const row = { token: asked.token, domain: domainOf(operation), answer, operation_id: operation.id }
    await insertChallenge(trx, row)
    await bumpDesired(trx)
  })
  await deps.field.push()
  const { live, late } = await deps.field.gateways()
  return {
    kind: 'done',
    detail: `${live.length} gateway(s) answer${late.length > 0 ? `, ${late.length} are late` : ''}`,
  }
}

async function prove(deps: Deps, context: StepContext): Promise<StepResult> {
  const known = context.facts as Facts
  const { client, directoryUrl, found } = await orderOf(deps, context)
  if (found.status !== 'pending') return { kind: 'done' }
  const authorization = await readAuthorization(directoryUrl, client, found)
  if (authorization.status === 'valid') return { kind: 'done' }
  const asked = authorization.challenges.find(({ type }) => type === 'http-01')
  if (authorization.status !== 'pending' || !asked || asked.status === 'invalid') {
    const why = (asked as { error?: { detail?: string } } | undefined)?.error?.detail ?? authorization.status
    throw new Fault(
      'acme.refused',
      409,
      `the authority could not see that the domain is ours: ${why.slice(0, ACME_WORDS_MAX)}`,
      {
        hint: `Does ${domainOf(context.operation)} lead to the gateways, on port 80?`,
      },
    )
  }
  // It may take a while to say that it was told.
  if (!known.isAsked) await calling(directoryUrl, async () => await client.completeChallenge(asked))
  known.isAsked = true
  return waitOn(context, 'the authority to look')
}

async function issue(deps: Deps, context: StepContext): Promise<StepResult> {
  const known = context.facts as Facts
  const { client, directoryUrl, found } = await orderOf(deps, context)
  if (found.status === 'invalid') {
    throw new Fault('acme.refused', 409, 'the authority has given the order up', { hint: 'Ask again.' })
  }
  if (found.status === 'ready') {
    const request = await makeRequest(domainOf(context.operation), deps.seal.open(known.sealedKey ?? ''))
    await calling(directoryUrl, async () => await client.finalizeOrder(found, request))
  }
  if (found.status !== 'valid') return waitOn(context, 'the authority to issue it')
  known.chain = await calling(directoryUrl, async () => await client.getCertificate(found))
  return { kind: 'done' }
}

async function show(deps: Deps, { operation, facts }: StepContext): Promise<StepResult> {
  const known = facts as Facts
  const key = deps.seal.open(known.sealedKey ?? '')
  const text = checkCertificate({ chain: known.chain ?? '', key }, new Date())
  const { thumbprint, expiresAt } = factsOf(text.chain)
  if (!isFor(text.chain, domainOf(operation))) {
    throw new Fault('acme.refused', 409, 'the authority has issued a certificate for other names', {
      hint: 'Ask again.',
    })
  }
  await deps.db.transaction().execute(async (trx) => {
    const [service] = await lockServices(trx, [serviceIdOf(operation)])
    const before = service && (await findWanted(trx, operation))
    if (!service || !before) throw unwanted(operation)
    // Done already, by whoever died before that was written down.
    if (before.thumbprint === thumbprint) return
    await insertCertificate(trx, service, { ...text, isIssued: true }, (plain) => deps.seal.seal(plain))
    await showIssued(trx, before, thumbprint)
    await removeIfUnused(trx, before)
    await removeChallenges(trx, operation.id)
    await bumpDesired(trx)
  })
  await deps.field.push()
  return { kind: 'done', detail: `until ${expiresAt.toISOString()}` }
}

// Whether it is still to be; a person may have changed that.
async function requireWanted({ db }: Deps, operation: Operation): Promise<void> {
  const service = await getServiceById(db, serviceIdOf(operation))
  if (service.ended_at !== null || !(await findWanted(db, operation))) throw unwanted(operation)
}

async function findWanted(db: Kysely<ControlDatabase>, operation: Operation): Promise<ServiceDomain | null> {
  const found = await db
    .selectFrom('service_domains')
    .selectAll()
    .where('name', '=', domainOf(operation))
    .where('service_id', '=', serviceIdOf(operation))
    .where('is_issued', '=', true)
    .executeTakeFirst()
  return found ?? null
}

async function orderOf(deps: Deps, context: StepContext): Promise<Acting & { found: Order }> {
  const acting = await account(deps)
  const url = (context.facts as Facts).orderUrl ?? ''
  return { ...acting, found: await readOrder(acting.directoryUrl, acting.client, url) }
}

type Acting = { client: Client; directoryUrl: string }

// The authority gives the same account for the same key, however often it is asked.
async function account({ db, seal }: Deps): Promise<Acting> {
  const authority = await getAuthority(db)
  const { directory_url: directoryUrl, contact, account_url: accountUrl } = authority
  const client = await connect({ directoryUrl, accountKey: seal.open(authority.account_key), accountUrl })
  if (accountUrl === null) {
    const asked = { termsOfServiceAgreed: true, ...(contact === null ? {} : { contact: [`mailto:${contact}`] }) }
    await calling(directoryUrl, async () => await client.createAccount(asked))
    await noteAccount(db, authority, client.getAccountUrl())
  }
  return { client, directoryUrl }
}

function waitOn({ facts }: StepContext, what: string): StepResult {
  const known = facts as Facts
  known.waitsSince ??= Date.now()
  if (Date.now() - known.waitsSince < ACME_WAIT_MS_MAX) return notYet(what, ACME_AGAIN_MS)
  throw new Fault('acme.failed', 503, `${what} took longer than ${ACME_WAIT_MS_MAX / 60_000} minutes`)
}

function domainOf({ input }: Operation): string {
  return String(input.domain)
}

function unwanted(operation: Operation): Fault {
  return new Fault('domain.unknown', 404, `nothing is to be issued for '${domainOf(operation)}' any more`)
}
