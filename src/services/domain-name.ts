// Host names that a service may have of its own.
import { domainToASCII } from 'node:url'
import { Fault } from '../kit/fault.ts'

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const LENGTH_MAX = 253

/**
 * The name in lower case, letters of other scripts as they go over the wire. Faults with `domain.bad_name`, and with
 * `domain.own_name` for one below which this cloud names its services. `base`: the host of the gateways' URL.
 */
export function checkDomainName(text: string, base: string): string {
  // What is more than a host would be left away in silence.
  const name = /[\s/\\?#@:%]/.test(text.trim()) ? '' : domainToASCII(text.trim()).toLowerCase()
  const labels = name.split('.')
  const isName = labels.length > 1 && name.length <= LENGTH_MAX && labels.every((label) => LABEL.test(label))
  if (!isName || /^\d+$/.test(labels.at(-1) ?? '')) {
    throw new Fault('domain.bad_name', 400, `'${text}' cannot be a domain of a mobile service`, {
      hint: 'Use a whole host name without port or *, such as api.example.com.',
    })
  }
  for (const own of ['localhost', base.toLowerCase()]) {
    if (name !== own && !name.endsWith(`.${own}`)) continue
    throw new Fault('domain.own_name', 400, `'${name}' is a name that this cloud gives to its services itself`, {
      hint: `Use one that does not end in ${own}.`,
    })
  }
  return name
}
