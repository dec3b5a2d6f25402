// The rule of a mobile service's name: it becomes the first label of a host name.
import { Fault } from '../kit/fault.ts'

const PATTERN = /^[a-zA-Z][0-9a-zA-Z-]*[0-9a-zA-Z]$/

/** Faults with `service.bad_name` unless the name may be a service's. */
export function checkServiceName(name: string): string {
  if (name.length >= 2 && name.length <= 48 && PATTERN.test(name)) return name
  throw new Fault('service.bad_name', 400, `'${name}' cannot be the name of a mobile service`, {
    hint: 'Use 2 to 48 letters, digits and hyphens; start with a letter, end with a letter or a digit.',
  })
}
