// A message to many devices whose sender is killed in the middle, and again in another home: everybody gets it, and
// fewer than one in a thousand gets it twice.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitFor } from '../../src/kit/clock.ts'
import { type PushService, startPushService } from '../support/push-service.ts'

const DEVICES = 2_000
const TURNS = [400, 1_000, 1_500]

let to: PushService
before(async () => {
  to = await startPushService()
})
after(async () => await to?.stop())

test(`of ${DEVICES} devices each is sent to at least once, and fewer than one in a thousand twice for each crash`, async () => {
  await to.postgres.sql(`insert into todo.".push_registrations" (id, platform, channel, tags)
    select 'r' || n, 'gcm', 'device-' || n, '{all}' from generate_series(1, ${DEVICES}) n`)
  const { result } = (await to.push('gcm.send', ['all', { data: { m: 'x' } }])) as {
    result: { sends: { id: string }[] }
  }
  const id = result.sends[0]?.id ?? ''
  const { received } = to.platforms
  const [again, recovered, stopped] = TURNS
  await untilReceived(again ?? 0)
  await to.restart({ isKilled: true })
  // As if the time had passed after which whoever has it counts as dead.
  await to.postgres.sql(`update todo.".push_sends" set claimed_until = clock_timestamp()`)
  await untilReceived(recovered ?? 0)
  // A recovery: under another epoch nobody waits for the home before.
  const { id: serviceId, name, epoch, scripts, scriptFolder, apis, push } = to.service
  const moved = await to.postgres.addService({
    ...{ id: serviceId, name, epoch: epoch + 1, scripts, scriptFolder },
    ...(apis ? { apis } : {}),
    ...(push ? { push } : {}),
  })
  await to.restart({ isKilled: true, as: moved })
  await untilReceived(stopped ?? 0)
  // A stop that was asked for repeats nobody.
  const before = duplicates(received)
  await to.restart()
  const over = await to.over(id)
  assert.deepEqual([over.state, over.total, over.failed, over.dead], ['done', DEVICES, 0, 0])
  const reached = new Set(received.map(({ device }) => device))
  assert.equal(reached.size, DEVICES, 'nobody is left out')
  const crashes = 2
  assert.ok(duplicates(received) <= crashes * Math.floor((DEVICES - 1) / 1_000), `${duplicates(received)} twice`)
  assert.equal(duplicates(received), before)
  // What was not noted of a crash was not counted either.
  assert.equal(over.sent, DEVICES)
})

async function untilReceived(count: number): Promise<void> {
  const isThere = () => (to.platforms.received.length >= count ? true : undefined)
  await waitFor(`${count} to be sent`, isThere, { withinMs: 60_000, everyMs: 5 })
}

function duplicates(received: { device: string }[]): number {
  return received.length - new Set(received.map(({ device }) => device)).size
}
