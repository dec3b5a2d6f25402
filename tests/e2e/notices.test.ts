// Incidents are told by webhook and by mail: each once, with what became of it, however often it has to be tried.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { SMTPServer } from 'smtp-server'
import type { NoticeTargetMade, NoticeTargetView } from '../../src/contract/api.ts'
import type { NoticeEvent } from '../../src/contract/notice.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { signalProcess } from '../../src/kit/processes.ts'
import { TestCloud } from '../support/cloud.ts'

const SOON = { withinMs: 60_000, everyMs: 50 }
const REFUSALS = 2

type Call = {
  headers: IncomingHttpHeaders
  body: string
  events: (NoticeEvent & { id: string })[]
  isRefused: boolean
}

describe('notices', () => {
  let cloud: TestCloud
  let hook: Server
  let mail: SMTPServer
  let made: NoticeTargetMade
  let status = 200
  const calls: Call[] = []
  const mails: string[] = []
  const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port

  before(async () => {
    hook = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += chunk))
      request.on('end', () => {
        const { events } = JSON.parse(body) as Pick<Call, 'events'>
        // The notice that is tried, and no incident of a busy machine that happens to be told before it.
        const isRefused = events.some(isTest) && calls.filter((call) => call.isRefused).length < REFUSALS
        calls.push({ headers: request.headers, body, events, isRefused })
        response.writeHead(isRefused ? 500 : status).end()
      })
    })
    hook.listen(0, '127.0.0.1')
    mail = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData(stream, _session, done) {
        let text = ''
        stream.on('data', (chunk) => (text += chunk))
        stream.on('end', () => {
          mails.push(text)
          done()
        })
      },
    })
    // Whoever hangs up on it has its mail told of by itself: that is what is looked at.
    mail.on('error', () => {})
    const listening = mail.listen(0, '127.0.0.1')
    await Promise.all([once(hook, 'listening'), once(listening, 'listening')])
    const env = {
      MAINSTAY_EGRESS_ALLOW: '127.0.0.0/8',
      MAINSTAY_SMTP_URL: `smtp://127.0.0.1:${portOf(listening)}`,
      MAINSTAY_SMTP_FROM: 'mainstay@example.com',
    }
    cloud = await TestCloud.start('pair', { env })
  })
  after(async () => {
    await cloud?.dispose()
    hook?.closeAllConnections()
    hook?.close()
    await new Promise<void>((resolve) => mail.close(resolve))
  })

  const url = () => `http://127.0.0.1:${portOf(hook)}/hooks/secret-part`
  const told = () => calls.filter(({ isRefused }) => !isRefused).flatMap(({ events }) => events)
  const untilTold = async (event: NoticeEvent['event'], kind: string, subject: string) => {
    const find = () => told().find((one) => one.event === event && isAbout(one, kind, subject))
    return await waitFor(`${event} of ${kind} ${subject}`, find, SOON)
  }

  test('go where an operator says, and to no place that is nobody else’s business', async () => {
    await cloud.refuses(['notice', 'add', '--webhook', 'ftp://example.com/'], 2, /begins with https/)
    await cloud.refuses(['notice', 'add', '--webhook', 'http://169.254.169.254/latest'], 2, /cloud metadata/)
    await cloud.refuses(['notice', 'add', '--webhook', 'http://10.0.0.1/'], 2, /private/)
    await cloud.refuses(['notice', 'add', '--email', 'nobody'], 2, /no address/)
    await cloud.refuses(['notice', 'add'], 2, /--webhook or to an --email/)
    made = await cloud.json<NoticeTargetMade>(['notice', 'add', '--webhook', url()])
    assert.match(made.secret ?? '', /^whsec_/)
    await cloud.ok(['notice', 'add', '--email', 'ops@example.com', '--severity', 'unhealthy'])
    const list = await cloud.ok(['notice', 'list'])
    assert.match(list, /webhook +http:\/\/127\.0\.0\.1:\d+\/…/)
    assert.doesNotMatch(list + (await cloud.ok(['audit', 'list', '--json'])), /secret-part|whsec_/)
  })

  test('are tried again until they are taken, and signed so that their reader can tell', async () => {
    await cloud.ok(['notice', 'test', made.id])
    await untilTold('test', 'test', 'this notice')
    const tries = calls.filter(({ events }) => events.some(isTest))
    assert.equal(tries.length, REFUSALS + 1)
    const last = tries.at(-1)
    assert.ok(last)
    const { headers, body } = last
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    const key = Buffer.from((made.secret ?? '').slice('whsec_'.length), 'base64')
    assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
    // What was tried again is the same message to whoever has seen it.
    assert.equal(new Set(tries.map((call) => call.headers['webhook-id'])).size, 1)
    const isSent = async () => (await cloud.json<NoticeTargetView[]>(['notice', 'list']))[0]?.lastSentAt ?? undefined
    await waitFor('it to be noted', isSent, SOON)
  })

  test('tell of a dead region and of its services, with the next command, also when control dies meanwhile', async () => {
    status = 503
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    const isTried = () => told().some((one) => isAbout(one, 'service', 'PrimaryService')) || undefined
    await waitFor('a first try', isTried, SOON)
    assert.match(await cloud.ok(['status']), /notices do not reach http:\/\/127\.0\.0\.1.*answered with 503/)
    assert.ok(signalProcess(cloud.rolePid('control'), 'SIGKILL'))
    const [before] = [calls.length]
    status = 200
    const isBack = () =>
      calls.slice(before).some(({ events }) => events.some((one) => one.event === 'opened')) || undefined
    await waitFor('another control to go on', isBack, SOON)
    const { incident } = await untilTold('opened', 'service', 'PrimaryService')
    assert.deepEqual([incident.state, incident.cause], ['Unhealthy', 'region_unreachable'])
    assert.equal(incident.next, 'mainstay mobile recover PrimaryService SecondaryService')
    const { incident: region } = await untilTold('opened', 'region', 'West US')
    assert.equal(region.area, 'West US')
    const hasMail = () => mails.some((text) => /Next: mainstay mobile recover PrimaryService/.test(text)) || undefined
    await waitFor('a mail', hasMail, SOON)
    assert.match(mails.join(), /^Subject: .*Unhealthy/m)
    assert.match(mails.join(), /^To: ops@example.com/m)
  })

  test('tell when it is over, and each incident once', async () => {
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
    await untilTold('closed', 'region', 'West US')
    await untilTold('closed', 'service', 'PrimaryService')
    const opened = told().filter(({ event }) => event === 'opened')
    const ids = new Map(opened.map(({ id, incident }) => [incident.id, id]))
    for (const { id, incident } of opened) assert.equal(ids.get(incident.id), id, 'told twice under two ids')
    await cloud.ok(['notice', 'remove', made.id])
    await cloud.refuses(['notice', 'test', made.id], 2, /nobody is told as/)
  })
})

function isAbout({ incident }: NoticeEvent, kind: string, subject: string): boolean {
  return incident.kind === kind && incident.subject === subject
}

function isTest({ event }: NoticeEvent): boolean {
  return event === 'test'
}
