// What an application of the original's tools is to be: a specification in JSON, in base64, in XML. It names the service, its
// region, and a database server: a new one, or one that is there.
import type { CreateService } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { textOf } from './xml.ts'

const SUFFIX = 'mobileservice'
const MOBILE_SERVICE = 'Microsoft.WindowsAzure.MobileServices.MobileService'

type Resource = {
  Type?: unknown
  URI?: unknown
  ProvisioningParameters?: Record<string, unknown>
}

/** The application of a service: its name in these calls. */
export function applicationNameOf(service: string): string {
  return `${service}${SUFFIX}`
}

/** The service of an application, or null when the name is no application's. */
export function serviceOfApplication(name: string): string | null {
  return name.toLowerCase().endsWith(SUFFIX) && name.length > SUFFIX.length ? name.slice(0, -SUFFIX.length) : null
}

/**
 * What is to be created. A new server is the placement that we choose: the region's, where each service has a schema and a
 * role of its own. Of administrator, password, firewall and edition nothing is kept: nobody signs in to a server of
 * ours.
 */
export function readSpecification(xml: unknown): CreateService {
  const configuration = typeof xml === 'string' ? textOf(xml, 'Configuration') : null
  const specification = configuration === null ? null : parsed(configuration)
  if (specification === null) throw bad('the request has no Configuration, which is a specification in base64')
  const internal = resourcesIn(specification, 'InternalResources')
  const service = internal.find(({ Type }) => Type === MOBILE_SERVICE)?.ProvisioningParameters
  const name = service?.Name
  if (typeof name !== 'string') throw bad('the specification names no mobile service')
  const platform = service?.Platform
  if (typeof platform === 'string' && platform.toLowerCase() === 'dotnet') {
    throw new Fault('service.bad_specification', 400, 'there are no mobile services with a .NET backend here', {
      hint: 'Leave --backend out: its scripts run on Node.',
    })
  }
  const server = namedServer(resourcesIn(specification, 'ExternalResources'))
  const location = service?.Location
  return {
    name,
    ...(typeof location === 'string' && location !== '' ? { location } : {}),
    ...(server === null ? {} : { sqlServer: server }),
  }
}

function parsed(base64: string): object | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'))
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

function resourcesIn(specification: object, list: string): Resource[] {
  const found: unknown = (specification as Record<string, unknown>)[list]
  if (typeof found !== 'object' || found === null) return []
  return Object.values(found).filter((one): one is Resource => typeof one === 'object' && one !== null)
}

// A database that exists is on a server that exists; a service's tables are in a schema of their own there.
function namedServer(external: Resource[]): string | null {
  for (const { URI } of external) {
    const name = typeof URI === 'string' ? URI.match(/\/servers\/([^/?]+)/)?.[1] : undefined
    if (name !== undefined) return name
  }
  return null
}

function bad(message: string): Fault {
  return new Fault('service.bad_specification', 400, message, {
    hint: 'Or create it with: mainstay mobile create NAME',
  })
}
