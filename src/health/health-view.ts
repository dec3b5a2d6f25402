// A service's or region's health as people see it: state, cause, since when, and the next command to type.
import type { HealthView } from '../contract/api.ts'
import type { ServiceState, StoredStep } from '../contract/control-schema.ts'
import type { Standing } from './incidents.ts'

export type ServiceHealthFacts = {
  name: string
  state: ServiceState
  standing: Standing
  /** The operation that holds it, with its steps. */
  operation: { kind: string; state: string; steps: StoredStep[]; next: string | null } | null
  secondary: string | null
  /** A region that is well, for a secondary that has yet to be made. */
  otherRegion: string | null
}

const WELL: HealthView = { state: 'Ready', cause: null, message: null, since: null, evidence: [], next: null }

/** The health of a service. What an operation is doing to it comes before what is judged from outside. */
export function serviceHealth(facts: ServiceHealthFacts): HealthView {
  const { operation } = facts
  if (facts.state === 'creating') return { ...WELL, state: 'Starting', message: currentStep(operation) }
  if (facts.state === 'deleting') return { ...WELL, state: 'Stopped', message: 'it is being deleted' }
  if (operation?.kind === 'recover' && isPrimaryOf(facts)) {
    const done = operation.steps.filter((step) => step.state === 'done').length
    const needsYou = operation.state === 'needs_you' ? ' (needs you)' : ''
    const message = `step ${Math.min(done + 1, operation.steps.length)} of ${operation.steps.length}${needsYou}: ${currentStep(operation)}`
    return { ...WELL, state: 'Recovering', cause: 'recovery', message, next: operation.next }
  }
  return standingHealth(facts.standing, nextCommand(facts))
}

/** The health of anything that is only judged, such as a region. */
export function standingHealth(standing: Standing, next: string | null): HealthView {
  const { verdict, since } = standing
  if (verdict.state === 'Ready') return WELL
  const { state, cause, message, evidence } = verdict
  return {
    state,
    cause,
    message,
    since: since?.toISOString() ?? null,
    evidence,
    next: state === 'Unhealthy' ? next : null,
  }
}

function isPrimaryOf(facts: ServiceHealthFacts): boolean {
  return facts.state === 'recovering' || facts.state === 'activating'
}

function currentStep(operation: ServiceHealthFacts['operation']): string | null {
  return operation?.steps.find((step) => step.state !== 'done')?.sentence ?? null
}

function nextCommand(facts: ServiceHealthFacts): string {
  if (facts.secondary) return `mainstay mobile recover ${facts.name} ${facts.secondary}`
  const region = facts.otherRegion ?? 'REGION'
  return `mainstay mobile create ${facts.name}-2 --location "${region}" --secondary-for ${facts.name}`
}
