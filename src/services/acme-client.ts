// The authority's protocol, by the library that speaks it: each call with a limit, each failure a fault of one code.
import type { Authorization, Client, Order } from 'acme-client'
import { Fault, messageOf } from '../kit/fault.ts'
import { ACME_ANSWER_BYTES_MAX, ACME_CALL_MS_MAX, ACME_WORDS_MAX } from '../kit/limits.ts'

export type AcmeAccount = { directoryUrl: string; accountKey: string; accountUrl: string | null }

/** Loaded when it is first needed: most clouds never do. */
async function library() {
  // Its certificate library's dependency injection wants this polyfill loaded before it.
  await import('reflect-metadata')
  const { default: acme } = await import('acme-client')
  // It would try again for minutes; our own tries are rows, and wait longer.
  const acmeSettings = { retryMaxAttempts: 0 }
  const limits = { timeout: ACME_CALL_MS_MAX, maxContentLength: ACME_ANSWER_BYTES_MAX }
  Object.assign(acme.axios.defaults, { ...limits, acmeSettings })
  return acme
}

/** Where its terms of service are; null: it has none. Faults with `acme.failed`. */
export async function termsOf(directoryUrl: string): Promise<string | null> {
  const client = await connect({ directoryUrl, accountKey: await makeKey(), accountUrl: null })
  return (await calling(directoryUrl, async () => await client.getTermsOfServiceUrl())) ?? null
}

/** A private key, PEM. */
export async function makeKey(): Promise<string> {
  return String(await (await library()).crypto.createPrivateEcdsaKey('P-256'))
}

/** What is sent to have a key certified for a name. */
export async function makeRequest(name: string, key: string): Promise<Buffer> {
  const [, request] = await (await library()).crypto.createCsr({ commonName: name, altNames: [name] }, key)
  return request
}

/** A client for an account. */
export async function connect({ directoryUrl, accountKey, accountUrl }: AcmeAccount): Promise<Client> {
  const { Client: Made } = await library()
  return new Made({ directoryUrl, accountKey, ...(accountUrl === null ? {} : { accountUrl }) })
}

/** An order of before. */
export async function readOrder(directoryUrl: string, client: Client, url: string): Promise<Order> {
  // The library looks at nothing but the address.
  return await calling(directoryUrl, async () => await client.getOrder({ url } as Order))
}

/** The one authorization of an order for one name. */
export async function readAuthorization(directoryUrl: string, client: Client, order: Order): Promise<Authorization> {
  const [found] = await calling(directoryUrl, async () => await client.getAuthorizations(order))
  if (found) return found
  throw new Fault('acme.failed', 503, `the authority at ${hostOf(directoryUrl)} wants no proof for its order`)
}

/** One call. Faults with `acme.failed`, with the authority's words. */
export async function calling<T>(directoryUrl: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof Fault) throw error
    const message = `the authority at ${hostOf(directoryUrl)}: ${messageOf(error).slice(0, ACME_WORDS_MAX)}`
    throw new Fault('acme.failed', 503, message, { hint: 'See: mainstay acme show', cause: error })
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}
