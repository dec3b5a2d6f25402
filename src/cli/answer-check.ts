// Whether an answer of control is what this CLI can read. Loading the schemas takes longer than most commands: they are
// loaded only when control is not of our release, since control itself answers by the same schemas.
import type { Static, TSchema } from 'typebox'
import type * as Api from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { readRelease } from '../kit/release.ts'

/** The schemas of the management API, by name. */
export type ViewName = { [N in keyof typeof Api]: (typeof Api)[N] extends TSchema ? N : never }[keyof typeof Api]
export type View<N extends ViewName> = Static<(typeof Api)[N]>

/** An answer as it came, and the release that control says it is of; null when the answer names none. */
export type Answered = { to: string; body: unknown; release: string | null }

/** The answer as that view. Faults with `control.strange_answer`. */
export async function checkAnswer<N extends ViewName>(view: N, answer: Answered): Promise<View<N>> {
  if (answer.release !== readRelease()) {
    const [{ Value }, views] = await Promise.all([import('typebox/value'), import('../contract/api.ts')])
    const schema: TSchema = views[view]
    if (!Value.Check(schema, answer.body)) throw strangeAnswer(answer, Value.Errors(schema, answer.body))
  }
  return answer.body as View<N>
}

/** The answer as a list of that view. Faults as `checkAnswer`. */
export async function checkList<N extends ViewName>(view: N, answer: Answered): Promise<View<N>[]> {
  const { body } = answer
  if (!Array.isArray(body)) throw strangeAnswer(answer, 'not a list')
  return await Promise.all(body.map(async (one: unknown) => await checkAnswer(view, { ...answer, body: one })))
}

function strangeAnswer(answer: Answered, cause: unknown): Fault {
  const hint = 'CLI and control may be of different versions; compare: mainstay --version'
  return new Fault('control.strange_answer', 500, `control gave a strange answer to ${answer.to}`, { hint, cause })
}
