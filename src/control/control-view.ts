// The control processes themselves as status shows them: who executes, whether the key and the rows are safe elsewhere.
import type { StatusView } from '../contract/api.ts'
import { ARCHIVE_OLD_MS, CONTROL_SILENT_MS } from '../kit/limits.ts'
import type { ControlProcess } from './election.ts'

export function viewControls(controls: ControlProcess[]): StatusView['controls'] {
  return controls.map((control) => ({
    name: control.name,
    domain: control.domain,
    version: control.version,
    isExecuting: control.since !== null,
    since: (control.since ?? control.started_at).toISOString(),
    lastSeenMs: control.silentMs,
  }))
}

export function viewArchive(controls: ControlProcess[]): StatusView['archive'] {
  const vaults = controls.reduce((sum, control) => sum + control.vaults, 0)
  return vaults === 0 ? null : { newestAt: newestOf(controls)?.toISOString() ?? null, vaults }
}

/** What deserves attention. */
export function controlWarnings(controls: ControlProcess[], nowMs: number): string[] {
  const warnings = controls
    .filter(({ silentMs }) => silentMs >= CONTROL_SILENT_MS)
    .map(({ name, domain, silentMs }) => `${name} in ${domain} has not been heard for ${Math.round(silentMs / 1000)} s`)
  if (!controls.some((control) => control.is_key_exported)) {
    warnings.push(
      'the control key was never exported: without it no archive can be restored. Next: mainstay control key export',
    )
  }
  return [...warnings, ...archiveWarnings(controls, nowMs)]
}

function archiveWarnings(controls: ControlProcess[], nowMs: number): string[] {
  const living = controls.filter(({ silentMs }) => silentMs < CONTROL_SILENT_MS)
  // Just started: it has not looked at its vaults yet.
  const isNew = living.some((control) => nowMs - control.started_at.getTime() < CONTROL_SILENT_MS)
  if (!living.some((control) => control.vaults > 0)) {
    return isNew ? [] : ['the control database is archived nowhere: start control with --vault FOLDER']
  }
  const problems = living.flatMap(({ name, archive_problem: problem }) =>
    problem === null ? [] : [`${name} cannot archive the control database: ${problem}`],
  )
  const newest = newestOf(controls)
  const ageMs = newest ? nowMs - newest.getTime() : 0
  if (ageMs < ARCHIVE_OLD_MS) return problems
  return [...problems, `the newest archive of the control database is ${Math.round(ageMs / 60_000)} minutes old`]
}

/** When the newest archive was written; null without one. */
export function newestOf(controls: ControlProcess[]): Date | null {
  const times = controls.flatMap(({ archived_at: at }) => (at === null ? [] : [at.getTime()]))
  return times.length === 0 ? null : new Date(Math.max(...times))
}
