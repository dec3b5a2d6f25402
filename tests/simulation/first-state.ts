// What a simulated cloud begins with: regions, a protected server in each, services and their secondaries.
import type { Scenario } from './scenario.ts'
import type { World } from './world.ts'

/** Builds the cloud of a scenario and starts it. */
export function build(world: World, scenario: Scenario): void {
  const { rows } = world.control
  const names = ['east', 'north', 'west'].slice(0, scenario.regions)
  for (const name of names) {
    world.addHost(name)
    rows.addMachine(name, 'host', name)
    rows.addRegion(name, { reservedUnits: scenario.units, sharedSlots: scenario.slots })
  }
  rows.addMachine('gateway', 'gateway', 'edge')
  for (const [index, name] of names.entries()) {
    const standby = names[(index + 1) % names.length] ?? name
    rows.addServer(`sql-${name}`, name, standby)
    const epoch = Number(rows.server(`sql-${name}`).epoch)
    Object.assign(world.host(name).disk(`sql-${name}`), { hasData: true, kept: { role: 'primary', epoch } })
    Object.assign(world.host(standby).disk(`sql-${name}`), { hasData: true, kept: { role: 'standby', epoch } })
    const common = { server: `sql-${name}`, state: 'ready' as const, secondaryFor: null, operationId: null }
    rows.addService({ ...common, name: `p${index}`, region: name, mode: 'shared', units: 1 })
    if (index === 0) rows.addService({ ...common, name: `r${index}`, region: name, mode: 'reserved', units: 2 })
  }
  for (const [index, service] of rows.living.entries()) {
    const region = names[(names.indexOf(service.region) + 1) % names.length] ?? ''
    const { id, name } = service
    // Some secondaries are of a higher mode than their primary.
    const mode = index === 1 ? 'reserved' : service.mode
    const common = { server: `sql-${region}`, region, state: 'ready' as const, operationId: null }
    const size =
      scenario.seed % 3 === 0 && index === 0
        ? ({ mode: 'reserved', units: 1 } as const)
        : { mode, units: service.units }
    rows.addService({ ...common, name: `${name}-2`, ...size, secondaryFor: id })
  }
  world.control.start()
  world.gateway.start()
  for (const host of world.hosts) host.start()
}
