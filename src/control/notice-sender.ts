// Sends what is due to be told, by webhook and mail, until it has arrived or enough was tried.
import { createHmac } from 'node:crypto'
import type { Kysely } from 'kysely'
import { createTransport, type Transporter } from 'nodemailer'
import { request } from 'undici'
import type { Seal } from '../accounts/seal.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { NoticeEvent } from '../contract/notice.ts'
import { noticeMail } from '../health/notice-text.ts'
import { forgetNotices, type WebhookSecret } from '../health/notices.ts'
import { type EgressPolicy, egressAgent, requireAllowedHost } from '../kit/egress-agent.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { NOTICE_CONNECT_MS_MAX, NOTICE_RETRY_MS, NOTICE_SEND_MS_MAX, NOTICES_AT_ONCE } from '../kit/limits.ts'

/** Where mail goes out, and in whose name. */
export type Smtp = { url: string; from: string }

export type NoticeDeps = { db: Kysely<ControlDatabase>; seal: Seal; policy: EgressPolicy; smtp: Smtp | null }

type Due = {
  id: string
  attempts: number
  event: NoticeEvent
  targetId: string
  kind: 'webhook' | 'email'
  target: string
  secret: string | null
}

export class NoticeSender {
  readonly #deps: NoticeDeps
  readonly #agent: ReturnType<typeof egressAgent>
  readonly #mail: Transporter | null

  constructor(deps: NoticeDeps) {
    this.#deps = deps
    this.#agent = egressAgent(deps.policy, { connectMs: NOTICE_CONNECT_MS_MAX })
    const waits = { connectionTimeout: NOTICE_CONNECT_MS_MAX, socketTimeout: NOTICE_SEND_MS_MAX }
    this.#mail = deps.smtp && createTransport({ url: deps.smtp.url, ...waits })
  }

  /** Sends what is due now: all that one target is to be told at once, in one message. */
  async round(): Promise<void> {
    const due = await this.#listDue()
    const byTarget = Map.groupBy(due, ({ targetId }) => targetId)
    await Promise.all([...byTarget.values()].map(async (group) => await this.#tell(group)))
    if (due.length > 0) await forgetNotices(this.#deps.db)
  }

  async close(): Promise<void> {
    this.#mail?.close()
    await this.#agent.destroy()
  }

  async #listDue(): Promise<Due[]> {
    return await this.#deps.db
      .selectFrom('notices')
      .innerJoin('notice_targets', 'notice_targets.id', 'notices.target_id')
      .select(['notices.id', 'attempts', 'event', 'target_id as targetId', 'kind', 'target', 'secret'])
      .where('due_at', '<=', new Date())
      .orderBy('notices.created_at')
      .limit(NOTICES_AT_ONCE)
      .execute()
  }

  async #tell(group: Due[]): Promise<void> {
    const ids = group.map(({ id }) => id)
    const change = this.#deps.db.updateTable('notices').where('id', 'in', ids)
    try {
      await this.#send(group)
      await change.set({ sent_at: new Date(), due_at: null, problem: null }).execute()
    } catch (error) {
      const attempts = Math.max(...group.map((one) => one.attempts)) + 1
      const waitMs = isHopeless(error) ? undefined : NOTICE_RETRY_MS[attempts - 1]
      const dueAt = waitMs === undefined ? null : new Date(Date.now() + waitMs)
      await change.set({ attempts, due_at: dueAt, problem: messageOf(error) }).execute()
    }
  }

  async #send(group: Due[]): Promise<void> {
    const [first] = group
    if (!first) return
    if (first.kind === 'email') await this.#sendMail(first, group)
    else await this.#call(first, group)
  }

  async #sendMail({ id, target }: Due, group: Due[]): Promise<void> {
    if (!this.#mail || !this.#deps.smtp) throw new Fault('notice.no_smtp', 409, 'this control was given no mail server')
    const { from } = this.#deps.smtp
    const messageId = `<${id}@mainstay.invalid>`
    await this.#mail.sendMail({ from, to: target, messageId, ...noticeMail(group.map(({ event }) => event)) })
  }

  // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
  async #call({ id, secret }: Due, group: Due[]): Promise<void> {
    const { url, key } = JSON.parse(this.#deps.seal.open(secret ?? '')) as WebhookSecret
    requireAllowedHost(this.#deps.policy, new URL(url))
    const events = group.map((one) => ({ id: one.id, ...one.event }))
    const body = JSON.stringify({ type: 'incidents', events })
    const at = Math.floor(Date.now() / 1_000)
    const signature = createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64'))
      .update(`${id}.${at}.${body}`)
      .digest('base64')
    const answer = await request(url, {
      method: 'POST',
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(NOTICE_SEND_MS_MAX),
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(at),
        'webhook-signature': `v1,${signature}`,
      },
      body,
    })
    await answer.body.dump()
    if (answer.statusCode >= 200 && answer.statusCode < 300) return
    if (answer.statusCode === 410) throw new Fault('notice.gone', 502, 'it was answered with 410: nobody listens there')
    throw new Fault('notice.not_taken', 502, `it was answered with ${answer.statusCode}`)
  }
}

// Who answers that it is gone wants to hear nothing any more.
function isHopeless(error: unknown): boolean {
  return error instanceof Fault && error.code === 'notice.gone'
}
