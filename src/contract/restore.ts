// What a restore of the control database says it did, or would do: the role that does it tells the CLI.
import type { FaultBody } from '../kit/fault.ts'

export type RestoreReport = {
  archive: string
  takenAt: string
  version: string
  vault: string
  /** Newer archives that were passed over because they are damaged. */
  damaged: { archive: string; problem: string }[]
  rows: number
  services: string[]
  servers: string[]
  /** Operations that were under way: they are carried on or rolled back by their own rules. */
  operations: string[]
  /** Services whose repository is not whole in the vault; their scripts are. */
  lostRepositories: string[]
  /** Services whose npm modules are not whole in the vault. */
  lostModules: string[]
  isDryRun: boolean
}

/** One JSON line on the role's standard output. */
export type RestoreAnswer = { report: RestoreReport } | { fault: FaultBody; status: number }
