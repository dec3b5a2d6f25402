// Control and one region are lost together. Control is restored elsewhere from its vault, and the recovery succeeds.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ServiceView } from '../../src/contract/api.ts'
import { listArchives, unpackArchive } from '../../src/control/archive-file.ts'
import { folderVault } from '../../src/kit/vault.ts'
import { SeparateRoles } from '../support/separate-roles.ts'

describe('control and West US are lost together', () => {
  let roles: SeparateRoles
  let service: ServiceView
  let epochBefore = 0
  let earlyArchive = ''
  const ids = Array.from({ length: 25 }, (_, index) => `row-${String(index).padStart(2, '0')}`)
  const vault = () => join(roles.folder, 'elsewhere', 'vault')
  const key = () => join(roles.folder, 'elsewhere', 'mainstay.key')
  // The newest archive, as soon as it holds a service of that name with as many tables.
  const untilArchived = async (name: string, tables: number) =>
    await roles.until(
      `an archive with ${name}`,
      async () => {
        const [newest] = await listArchives(folderVault(vault()))
        const archive = await unpackArchive((await folderVault(vault()).get(newest?.key ?? '')) ?? new Uint8Array())
        const rowsOf = (table: string) => archive.tables.find((entry) => entry.name === table)?.rows ?? []
        // Both servers' standbys are promotable by then.
        const isProtected = rowsOf('server_members').filter((row) => row.includes('ready')).length === 2
        const isThere = isProtected && rowsOf('services').some((row) => row.includes(name))
        return isThere && rowsOf('service_tables').length >= tables ? newest?.id : undefined
      },
      60_000,
    )
  const highestEpoch = async () => {
    const { services } = await roles.status()
    const servers = await Promise.all(services.map(async ({ server }) => await roles.server(server)))
    return Math.max(...services.map(({ epoch }) => epoch), ...servers.map(({ epoch }) => epoch))
  }
  const restore = async (home: string, args: string[] = []) => {
    const from = ['--from', vault(), '--key-file', key(), '--home', roles.homeOf(home)]
    return JSON.parse(await roles.ok(['control', 'restore', '--json', ...from, ...args]))
  }

  before(async () => {
    roles = await SeparateRoles.prepare()
    await roles.addControl('one')
    // The machines know where the next one would be, too.
    await roles.addControl('two')
    await roles.startControl('one', ['--vault', vault()])
    await roles.startGateway()
    await Promise.all([roles.startHost('west', 'West US'), roles.startHost('east', 'East US')])
    const areReady = async () =>
      (await roles.status()).regions.filter(({ health }) => health.state === 'Ready').length === 2
    await roles.until('regions', async () => (await areReady()) || undefined, 60_000)
    service = await roles.createPair()
    assert.deepEqual(await roles.insertRows(service, ids), ids)
  })
  after(async () => await roles?.dispose())

  test('status reminds of the key until it was exported', async () => {
    const isReminded = async () => (await roles.status()).warnings.some((text) => /never exported/.test(text))
    assert.ok(await isReminded())
    await roles.ok(['control', 'key', 'export', '--home', roles.homeOf('one'), '-o', key()])
    await roles.until('no reminder', async () => ((await isReminded()) ? undefined : true), 10_000)
  })

  test('what was made after an archive is told as unknown when that one is restored, and kept', async () => {
    earlyArchive = await untilArchived('Secondary', 1)
    await roles.ok(['mobile', 'create', 'Late', '--location', 'East US'])
    await untilArchived('Late', 1)
    epochBefore = await highestEpoch()
  })

  test('the restored control hears the machines before it decides anything', async () => {
    await Promise.all([roles.kill('one'), roles.kill('west')])
    const report = await restore('two', ['--at', earlyArchive])
    assert.equal(report.archive, earlyArchive)
    assert.deepEqual(report.services.sort(), ['Primary', 'Secondary'])
    await roles.startControl('two', ['--vault', vault()])
    const answer = await fetch(`http://127.0.0.1:${roles.controls[1]?.port}/api/v1/services`, {
      method: 'POST',
      headers: { authorization: `Bearer ${roles.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'TooEarly' }),
    })
    assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [503, 'control.settling'])
    const isTold = async () => {
      const { warnings } = await roles.status('two')
      return warnings.some((text) => /sql-east-us on east-us-1 holds schema 'late'/.test(text)) || undefined
    }
    await roles.until('the unknown schema to be told', isTold, 20_000)
  })

  test('recover succeeds with all rows, under epochs above every one before', async () => {
    const isIll = async () => (await roles.service('Primary')).health.state === 'Unhealthy' || undefined
    await roles.until('Primary to be Unhealthy', isIll, 30_000)
    // Its database had its standby in West US: it opens again when that is released. Before control has judged that it
    // is shut, its service is said to be Ready.
    const isOpen = async () => {
      const { members } = await roles.server('sql-east-us')
      return members.some(({ role, state }) => role === 'primary' && state === 'running') || undefined
    }
    await roles.until('the database of Secondary to be open', isOpen, 30_000)
    const isReady = async () => (await roles.service('Secondary')).health.state === 'Ready' || undefined
    await roles.until('Secondary to be Ready', isReady, 30_000)
    await roles.ok(['mobile', 'recover', 'Primary', 'Secondary', '-q'])
    const now = await roles.service('Primary')
    assert.deepEqual([now.region, now.health.state], ['East US', 'Ready'])
    assert.deepEqual([now.applicationKey, now.masterKey], [service.applicationKey, service.masterKey])
    assert.deepEqual(await roles.readIds(now), ids)
    const server = await roles.server('sql-west-us')
    assert.ok(now.epoch > epochBefore && server.epoch > epochBefore, `${now.epoch} ${server.epoch} ${epochBefore}`)
  })

  test('the lost control finds out that it was replaced, and changes nothing more', async () => {
    await roles.startControl('one')
    const isTold = async () =>
      (await roles.status('one')).warnings.some((text) => /has taken this cloud over/.test(text))
    await roles.until('it to be told', async () => (await isTold()) || undefined, 20_000)
    const refused = await roles.cli(['mobile', 'create', 'Stale'], 'one')
    assert.match(refused.stderr, /has taken this cloud over/)
    await roles.kill('one')
    assert.deepEqual(await roles.readIds(await roles.service('Primary')), ids)
  })

  test('an archive from before the recovery: the machines are believed', async () => {
    const epoch = await highestEpoch()
    await roles.kill('two')
    await restore('three', ['--at', earlyArchive])
    await roles.startControl('two', ['--vault', vault()], roles.homeOf('three'))
    const isSettled = async () => {
      const found = await roles.service('Primary')
      return found.region === 'East US' && found.health.state === 'Ready' ? found : undefined
    }
    const now = await roles.until('Primary to be where it is served', isSettled, 40_000)
    assert.equal((await roles.server('sql-west-us')).region, 'East US')
    assert.ok(now.epoch > epoch, `${now.epoch} ${epoch}`)
    const readAll = async () => await roles.readIds(now)
    assert.deepEqual(await roles.until('rows', readAll, 20_000), ids)
    assert.deepEqual(await roles.insertRows(now, ['row-99']), ['row-99'])
  })

  test('a standby that was released after the archive is not promotable again, and its primary stays open', async () => {
    const { members } = await roles.server('sql-east-us')
    assert.equal(members.find(({ role }) => role === 'standby')?.standing, 'released')
    assert.equal(members.find(({ role }) => role === 'primary')?.state, 'running')
  })

  test('a machine of which nobody heard is told, until its operator says that it is off', async () => {
    const isTold = async () =>
      (await roles.status('two')).warnings.some((text) => /settle --without west-us-1/.test(text))
    assert.ok(await isTold())
    await roles.ok(['control', 'settle', '--without', 'west-us-1', '-q'])
    assert.ok(!(await isTold()))
  })
})
