// Following an operation for a person: watches it, says what happens when they press Ctrl-C, faults when it failed.
import type { OperationView } from '../contract/api.ts'
import { formatProgress } from './amounts.ts'
import type { Client } from './client.ts'
import { FailureWithView, type Session } from './command.ts'
import { EXIT_INTERRUPTED } from './exit-code.ts'
import { faultOf, stillGoingOn, watchOperation } from './watch.ts'

/** The operation, succeeded; otherwise faults with its own fault. */
export async function followOperation(
  session: Session,
  client: Client,
  options: { operation: OperationView; onChange?: (operation: OperationView) => void },
): Promise<OperationView> {
  const { talk } = session
  const interrupt = () => {
    const { message, hint } = stillGoingOn(options.operation)
    talk.settle()
    talk.error(`interrupted; ${message}`)
    talk.tryThis(hint)
    process.exit(EXIT_INTERRUPTED)
  }
  process.once('SIGINT', interrupt)
  try {
    const ended = await watchOperation(client, options.operation, { onChange: options.onChange ?? (() => {}) })
    const fault = faultOf(ended)
    if (fault) throw new FailureWithView(fault, { operation: ended })
    return ended
  } finally {
    process.removeListener('SIGINT', interrupt)
  }
}

/** The same, with each step told as it begins. */
export async function followSteps(session: Session, client: Client, operation: OperationView): Promise<OperationView> {
  let shown = ''
  const onChange = (now: OperationView) => {
    const step = now.steps.find(({ state }) => state === 'running')
    const label = step?.sentence ?? ''
    if (label !== '' && label !== shown) session.talk.progress(label)
    shown = label
    if (step?.progress) session.talk.tellProgress(formatProgress(step.progress))
  }
  return await followOperation(session, client, { operation, onChange })
}
