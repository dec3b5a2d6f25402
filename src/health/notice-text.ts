// The words of a notice that a person reads. Pure.
import type { NoticeEvent } from '../contract/notice.ts'

/** Subject and text of one mail for some events, the newest last. */
export function noticeMail(events: NoticeEvent[]): { subject: string; text: string } {
  const worst = events.find(({ incident }) => incident.state === 'Unhealthy') ?? events.at(-1)
  const others = events.length - 1
  const more = others > 0 ? ` (and ${others} more)` : ''
  return {
    subject: worst ? `${headline(worst)}${more}`.replaceAll(/[\r\n]+/g, ' ') : 'Mainstay',
    text: `${events.map(paragraph).join('\n\n')}\n`,
  }
}

function headline({ event, incident }: NoticeEvent): string {
  if (event === 'test') return `Mainstay: ${incident.message}`
  const { state, kind, subject, cause } = incident
  return event === 'closed' ? `Over: ${kind} ${subject}: ${cause}` : `${state}: ${kind} ${subject}: ${cause}`
}

function paragraph(told: NoticeEvent): string {
  const { incident, at } = told
  const lines = [
    headline(told),
    `${at}, ${incident.area}: ${incident.message}`,
    ...incident.evidence.map((line) => `- ${line}`),
    ...(incident.next === null ? [] : [`Next: ${incident.next}`]),
  ]
  return lines.join('\n')
}
