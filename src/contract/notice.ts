// What is told of an incident to whoever wants to be told: the body of a webhook, and what mails are written from.

export type NoticeSeverity = 'Degraded' | 'Unhealthy'

/** `changed`: what was wrong is worse or better now, or is something else. `test`: somebody tries the target. */
export type NoticeEvent = {
  event: 'opened' | 'changed' | 'closed' | 'test'
  /** ISO 8601. */
  at: string
  incident: {
    id: string
    /** service, region, standby, vault, gateway, certificate. */
    kind: string
    /** The name of what it is about. */
    subject: string
    area: string
    /** Ready once it is over. */
    state: 'Ready' | NoticeSeverity
    before: 'Ready' | NoticeSeverity
    cause: string
    message: string
    evidence: string[]
    /** The command to type, where there is one. */
    next: string | null
  }
}
