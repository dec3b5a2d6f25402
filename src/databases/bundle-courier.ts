// Carries a divergence bundle from a host that has it to one that needs it, piece by piece through control.
import type { BundlePiece } from '../contract/divergence.ts'
import type { HostFacts } from '../contract/facts.ts'
import { Fault } from '../kit/fault.ts'
import type { Field } from '../regions/field.ts'

type Name = { server: string; epoch: number }

/** Makes sure that `to` has the bundle. What was carried already is not carried again. Faults with `divergence.away`. */
export async function carryBundle(
  field: Pick<Field, 'askHost' | 'order' | 'isReachable'>,
  name: Name,
  route: { to: string; among: string[] },
): Promise<void> {
  if (holds(await field.askHost(route.to), name)) return
  const from = await findHolder(field, name, route.among)
  const path = `/bundles/${name.server}/${name.epoch}`
  for (let offset = 0; ; ) {
    const piece = (await field.order(from, { method: 'GET', path: `${path}?offset=${offset}` })) as BundlePiece
    const taken = (await field.order(route.to, { method: 'PUT', path, body: piece })) as {
      next: number
      isWhole: boolean
    }
    if (taken.isWhole) return
    offset = taken.next
  }
}

async function findHolder(
  field: Pick<Field, 'askHost' | 'isReachable'>,
  { server, epoch }: Name,
  among: string[],
): Promise<string> {
  for (const machine of among.filter((one) => field.isReachable(one))) {
    if (holds(await field.askHost(machine), { server, epoch })) return machine
  }
  const message = `the stranded writes of ${server} under epoch ${epoch} lie on ${among.join(', ')}, none of which has them now`
  throw new Fault('divergence.away', 503, message, { hint: 'See which machines are there: mainstay status' })
}

function holds({ bundles }: HostFacts, name: Name): boolean {
  return bundles?.some(({ server, epoch }) => server === name.server && epoch === name.epoch) === true
}
