// Names that people give: of services, tables, custom APIs and jobs.
import { Fault } from '../kit/fault.ts'

// The original's rule: a DNS label of 2 to 48 characters.
const SERVICE_NAME = /^[a-zA-Z][0-9a-zA-Z-]{0,46}[0-9a-zA-Z]$/
const API_NAME = /^[A-Za-z0-9_-]{1,64}$/
// A job's function has its name.
const JOB_NAME = /^[A-Za-z_$][A-Za-z0-9_$]{0,63}$/
const TABLE_NAME = /^[a-zA-Z][0-9a-zA-Z_]{0,62}$/

/** Faults with `service.bad_name` unless the name can be a service's. */
export function requireServiceName(name: string): void {
  if (SERVICE_NAME.test(name)) return
  throw new Fault('service.bad_name', 400, `'${name}' cannot be the name of a mobile service`, {
    hint: 'Use 2 to 48 letters, digits and hyphens; begin with a letter, end with a letter or digit.',
  })
}

/** Faults with `table.bad_name` unless the name can be a table's. */
export function requireTableName(name: string): void {
  if (TABLE_NAME.test(name)) return
  throw new Fault('table.bad_name', 400, `'${name}' cannot be the name of a table`, {
    hint: 'Use 1 to 63 letters, digits and underscores, beginning with a letter.',
  })
}

/** True for what can be the name of a custom API. */
export function isApiName(name: string): boolean {
  return API_NAME.test(name)
}

/** Faults with `api.bad_name` unless the name can be a custom API's. */
export function requireApiName(name: string): void {
  if (isApiName(name)) return
  throw new Fault('api.bad_name', 400, `'${name}' cannot be the name of a custom API`, {
    hint: 'Use 1 to 64 letters, digits, underscores and hyphens.',
  })
}

/** True for what can be the name of a scheduled job. */
export function isJobName(name: string): boolean {
  return JOB_NAME.test(name)
}

/** Faults with `job.bad_name` unless the name can be a scheduled job's. */
export function requireJobName(name: string): void {
  if (isJobName(name)) return
  throw new Fault('job.bad_name', 400, `'${name}' cannot be the name of a job`, {
    hint: 'Use the name of a function: 1 to 64 letters, digits and underscores, no digit first.',
  })
}
