// Decides whether an external server may be attached, from what was found there and what is attached already.
import type { CheckExternalAnswer, DatabaseHost, ExternalEndpoint } from '../contract/external-server.ts'
import { Fault } from '../kit/fault.ts'
import { isLocal, placeOf } from './database-url.ts'

export type AttachFacts = {
  name: string
  cloud: string
  endpoint: ExternalEndpoint
  /** As seen from a host of its region. */
  found: CheckExternalAnswer
  /** Regions from whose hosts it cannot be reached, and why. */
  unreached: { region: string; problem: string }[]
  /** External servers that are attached, this one too if it is. */
  attached: { name: string; hosts: DatabaseHost[] }[]
  /** True when the server that its mark names has just written a new word, and it is found here: the same database. */
  isSameAsMarked: boolean
  isTakenOver: boolean
}

/** What attaching comes to, in sentences. Faults with `external.*` where it may not be. */
export function checkAttach(facts: AttachFacts): string[] {
  const { name, endpoint, found } = facts
  requireFit(facts)
  requireAlone(facts)
  requireNotMarked(facts)
  const isAttached = facts.attached.some((one) => one.name === name)
  const where = `${endpoint.database} on ${found.at}, PostgreSQL ${found.version}`
  const others = found.hosts.filter(({ place }) => place !== found.at)
  return [
    isAttached ? `Reach ${name} by another URL: ${where}` : `Attach ${name}: ${where}`,
    ...others.map(({ place, state, problem }) => `${place} is ${problem ?? state.replace('_', '-')}`),
    `${found.roundTripMs.toFixed(1)} ms there and back`,
    ...(endpoint.tls === 'verify-full' ? [] : [encryptionText(endpoint)]),
    ...facts.unreached.map(({ region, problem }) => `Warning: from ${region} it cannot be reached: ${problem}`),
    ...(facts.isTakenOver && found.mark !== null && found.mark.cloud !== facts.cloud
      ? ['Take it over: the cloud that it was attached to can change nothing in it any more']
      : []),
  ]
}

function encryptionText({ tls, hosts }: ExternalEndpoint): string {
  if (tls === 'require') return 'Encrypted; who answers is not asked for a certificate'
  return hosts.every(isLocal) ? 'Not encrypted: it is on this machine' : 'Warning: not encrypted'
}

function requireFit({ name, found }: AttachFacts): void {
  if (found.problems.length === 0) return
  throw new Fault('external.not_fit', 409, `${name} cannot be used as it is: ${found.problems.join('; ')}`, {
    hint: 'Have its owner change that, and try again.',
  })
}

// Roles belong to a whole PostgreSQL server: two databases of one would shut out each other's services.
function requireAlone({ name, endpoint, attached }: AttachFacts): void {
  const places = new Set(endpoint.hosts.map(placeOf))
  const other = attached.find((one) => one.name !== name && one.hosts.some((host) => places.has(placeOf(host))))
  if (!other) return
  throw new Fault('external.attached_already', 409, `one of its hosts is attached as ${other.name} already`, {
    hint: `Use that one: mainstay mobile create SERVICE --sql-server ${other.name}`,
  })
}

function requireNotMarked({ name, cloud, found, attached, isSameAsMarked, isTakenOver }: AttachFacts): void {
  const { mark } = found
  const isOurs = mark?.cloud === cloud
  if (isOurs && mark.server !== name && isSameAsMarked) {
    throw new Fault('external.attached_already', 409, `that database is attached as ${mark.server} already`, {
      hint: `Use that one: mainstay mobile create SERVICE --sql-server ${mark.server}`,
    })
  }
  if (mark !== null && !isOurs && !isTakenOver) {
    throw new Fault(
      'external.attached_elsewhere',
      409,
      `that database is attached to another cloud, as ${mark.server}`,
      {
        hint: 'If that cloud is gone for good, or is to lose it: add --take-over',
      },
    )
  }
  // Services whose data is in another database would find none of it here.
  const isAttached = attached.some((one) => one.name === name)
  if (isAttached && (mark === null || mark.cloud !== cloud || mark.server !== name) && !isTakenOver) {
    const whose = mark === null ? 'nothing of it' : `what was attached as ${mark.server}`
    throw new Fault('external.other_database', 409, `${name} is attached, and that database holds ${whose}`, {
      hint: 'Attach it under another name. If it is a copy that is to take its place: add --take-over',
    })
  }
}
