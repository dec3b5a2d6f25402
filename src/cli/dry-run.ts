// `--dry-run`: what a command would do, in its own words, and that nothing was changed.
import type { DryRunView } from '../contract/api.ts'
import type { Result, Session } from './command.ts'

/** The flag, for the help text. */
export const DRY_RUN = ['--dry-run', 'check and show what would change, change nothing'] as const

export type DryRunFlag = { dryRun?: boolean }

/** Tells the plan; the command's whole result. */
export function tellDryRun({ talk }: Session, plan: DryRunView): Result {
  talk.data(...plan.changes)
  talk.info('Nothing was changed')
  return { json: plan }
}
