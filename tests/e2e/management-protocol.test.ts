// The original's command line against a whole cloud, by its requests as they were recorded: a service is made, shown, sized
// and deleted; and when a region dies, recovered, in the two requests that the old tool sends.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { waitFor } from '../../src/kit/clock.ts'
import { AzureClient, type ToolAnswer } from '../support/azure-client.ts'
import { freePort, TestCloud } from '../support/cloud.ts'

const SERVICE_TYPE = 'Microsoft.WindowsAzure.MobileServices.MobileService'

describe("the original's command line", () => {
  let cloud: TestCloud
  let newer: AzureClient
  let older: AzureClient
  let told: string

  before(async () => {
    cloud = await TestCloud.start('pair', { env: { MAINSTAY_MANAGEMENT_PORT: String(await freePort()) } })
    const file = join(cloud.home, 'own.publishsettings')
    told = await cloud.ok(['account', 'publishsettings', '--out', file, '--role', 'owner'])
    const { certificate } = await cloud.api<{ certificate: string }>('/authority')
    const text = await readFile(file, 'utf8')
    newer = await AzureClient.import(text, { authority: certificate })
    older = await AzureClient.import(text, { authority: certificate, dialect: 'older' })
  })
  after(async () => await cloud.dispose())

  test('is told all that it needs to know of an environment', () => {
    const line = told.split('\n').find((one) => one.includes('azure account env add')) ?? ''
    assert.ok(line.includes(`azure account env add Mainstay --management-endpoint-url ${newer.endpoint}/ `), told)
    for (const option of [
      `--sql-management-endpoint-url ${newer.endpoint}/ --sql-server-hostname-suffix .localhost`,
      '--active-directory-endpoint-url https://localhost/ --active-directory-resource-id https://localhost/',
      '--publishing-profile-url https://localhost/ --portal-url https://localhost/',
    ]) {
      assert.ok(line.includes(option), line)
    }
  })

  test('creates a service by its specification, in a region by its name', async () => {
    const regions = await newer.send('GET', `/${newer.subscription}/services/mobileservices/regions`)
    assert.deepEqual(regions.json, [{ region: 'West US' }, { region: 'East US' }])
    const registered = await newer.application('PUT', '/services?service=mobileservice&action=register')
    assert.equal(registered.status, 200)
    const asked = await newer.application('POST', '/applications', { body: specification('App1', 'East US') })
    assert.equal(asked.status, 202, asked.text)
    assert.equal(asked.text, '')
    await untilSucceeded(newer, asked)
    const application = await newer.application('GET', '/applications/App1mobileservice')
    assert.match(String(application.headers['content-type']), /application\/xml/)
    assert.match(application.text, /^<\?xml[^>]*><Application xmlns="http:\/\/schemas.microsoft.com\/windowsazure"/)
    assert.match(application.text, /<Name>App1mobileservice<\/Name><Label>App1<\/Label>/)
    assert.match(application.text, /<State>Healthy<\/State>/)
    assert.match(
      application.text,
      /<InternalResource><LogicalName>ZumoMobileService<\/LogicalName><State>ProvisionConf/,
    )
    assert.match(application.text, /<ExternalResource>.*<Name>sql-east-us<\/Name>/)
    const again = await newer.application('POST', '/applications', { body: specification('app1', 'East US') })
    assert.equal(again.status, 409)
    // The tool prints what it gets of these calls as it is.
    assert.match(again.text, /^the name 'app1' is taken/)
  })

  test('sees its services, their keys and sizes', async () => {
    const all = (await older.mobile('GET', '')).json as { name: string }[]
    assert.deepEqual(all.map(({ name }) => name).sort(), ['App1', 'PrimaryService', 'SecondaryService'])
    const { json } = await newer.mobile('GET', '/PRIMARYSERVICE')
    const { applicationKey, masterKey } = await cloud.service('PrimaryService')
    const selflink = `${newer.endpoint}/${newer.subscription}/services/mobileservices/mobileservices/PrimaryService`
    assert.deepEqual(json, {
      ...{ name: 'PrimaryService', type: 'ZumoApp', state: 'Ready', selflink, applicationKey, masterKey },
      applicationUrl: (await cloud.service('PrimaryService')).url,
      tables: [{ name: 'TodoItem', selflink: `${selflink}/tables/TodoItem` }],
      ...{ webspace: 'WESTUSWEBSPACE', region: 'West US', enableExternalPushEntity: true },
    })
    const scale = await newer.mobile('GET', '/App1/scalesettings')
    assert.deepEqual(scale.json, { tier: 'tier1', numberOfInstances: 1 })
    assert.deepEqual((await older.mobile('GET', '/App1/scalesettings')).json, { tier: 'free', numberOfInstances: 1 })
    const tag = { 'if-match': String(scale.headers.etag) }
    // As it is typed: a text.
    const wanted = { tier: 'tier3', numberOfInstances: '2' }
    const changed = await newer.mobile('PUT', '/App1/scalesettings', { body: wanted, headers: tag })
    assert.deepEqual([changed.status, changed.json], [200, { tier: 'tier3', numberOfInstances: 2 }])
    const late = await newer.mobile('PUT', '/App1/scalesettings', { body: wanted, headers: tag })
    assert.deepEqual([late.status, codeOf(late)], [412, 'http.changed_meanwhile'])
  })

  test('sets keys and restarts', async () => {
    const made = await newer.mobile('POST', '/App1/regenerateKey?type=master')
    assert.equal((made.json as { masterKey: string }).masterKey, (await cloud.service('App1')).masterKey)
    const Value = 'k'.repeat(32)
    const set = await newer.mobile('PUT', '/App1/keys', { body: { Type: 'application', Value } })
    assert.deepEqual(set.json, { applicationKey: Value })
    for (const verb of ['restart', 'redeploy']) {
      const answer = await newer.mobile('POST', `/App1/${verb}`)
      assert.deepEqual([answer.status, answer.text], [200, ''])
    }
  })

  test('changes settings whole or not at all', async () => {
    const { json: before } = await newer.mobile('GET', '/App1/settings')
    const bad = { dynamicSchemaEnabled: false, customApplicationSettings: [{ name: 'a b', value: 'x' }] }
    const refused = await newer.mobile('PATCH', '/App1/settings', { body: bad })
    assert.deepEqual([refused.status, codeOf(refused)], [400, 'appsetting.bad_name'])
    assert.deepEqual((await newer.mobile('GET', '/App1/settings')).json, before)
    const good = { dynamicSchemaEnabled: false, customApplicationSettings: [{ name: 'a', value: 'x' }] }
    assert.equal((await newer.mobile('PATCH', '/App1/settings', { body: good })).status, 200)
    assert.deepEqual((await newer.mobile('GET', '/App1/settings')).json, { ...(before as object), ...good })
  })

  test('deletes a service, and then its application; both can be brought back for a month', async () => {
    const gone = await newer.mobile('DELETE', '/App1?deletedata=true&deleteServiceBusNamespace=true')
    assert.deepEqual([gone.status, gone.text], [204, ''])
    await untilSucceeded(newer, await newer.application('DELETE', '/applications/App1mobileservice'))
    const missing = await newer.application('GET', '/applications/App1mobileservice')
    assert.deepEqual([missing.status, missing.text], [404, 'The application name was not found.'])
    assert.match(await cloud.ok(['mobile', 'archive', 'list']), /App1 .* until 20/)
    await cloud.ok(['mobile', 'restore-deleted', 'App1'])
    assert.equal((await cloud.service('App1')).applicationKey, 'k'.repeat(32))
  })

  test('does not recover what is well, and then keeps the secondary safe from its own clean-up', async () => {
    const refused = await newer.mobile('POST', '/PrimaryService/recover?targetMobileService=SecondaryService')
    assert.equal(refused.status, 409)
    assert.match(messageOf(refused), /'PrimaryService' is Ready, not Unhealthy/)
    const fenced = await newer.application('DELETE', '/applications/SecondaryServicemobileservice')
    assert.equal(fenced.status, 409)
    assert.match(fenced.text, /a recovery of 'PrimaryService' with it has just failed/)
    assert.equal((await cloud.service('SecondaryService')).health.state, 'Ready')
    for (const target of ['', '?targetMobileService=Nobody']) {
      const wrong = await newer.mobile('POST', `/PrimaryService/recover${target}`)
      assert.ok([400, 404].includes(wrong.status), wrong.text)
      assert.ok(messageOf(wrong))
    }
  })

  test('recovers a service whose region died: all of it in one request, and again without harm', async () => {
    await cloud.untilProtected('sql-west-us')
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    await cloud.untilState('PrimaryService', 'Unhealthy', 30_000)
    const { applicationKey } = await cloud.service('PrimaryService')
    // Two at once: a person is impatient, and types it again elsewhere.
    const path = '/PrimaryService/recover?targetMobileService=SecondaryService'
    const both = await Promise.all([newer.mobile('POST', path), older.mobile('POST', path)])
    for (const answer of both) assert.deepEqual([answer.status, answer.text], [200, ''], answer.text)
    const after = await cloud.service('PrimaryService')
    assert.deepEqual([after.health.state, after.region, after.applicationKey], ['Ready', 'East US', applicationKey])
    // The tool's second step: what it would delete was given up already.
    await untilSucceeded(older, await older.application('DELETE', '/applications/SecondaryServicemobileservice'))
    assert.equal((await older.mobile('POST', path)).status, 200)
    await untilSucceeded(older, await older.application('DELETE', '/applications/SecondaryServicemobileservice'))
    assert.equal((await cloud.service('PrimaryService')).health.state, 'Ready')
    assert.equal((await newer.mobile('GET', '/SecondaryService')).status, 404)
    // Where it stands now dies as well: what was done is not done any more, and that secondary is gone.
    await cloud.ok(['dev', 'outage', 'start', 'East US'])
    await cloud.untilState('PrimaryService', 'Unhealthy', 30_000)
    const late = await newer.mobile('POST', path)
    assert.deepEqual([late.status, codeOf(late)], [404, 'service.unknown'])
  })

  async function untilSucceeded(azure: AzureClient, asked: ToolAnswer): Promise<void> {
    assert.equal(asked.status, 202, asked.text)
    const id = String(asked.headers['x-ms-request-id'])
    const isEnded = async () => {
      const { status, text } = await azure.send('GET', `/${azure.subscription}/operations/${id}`, {
        headers: { accept: 'application/json' },
      })
      assert.equal(status, 200, text)
      const said = text.match(/<Status>(\w+)<\/Status>/)?.[1]
      return said === 'InProgress' ? undefined : said
    }
    assert.equal(await waitFor('the operation', isEnded, { withinMs: 60_000, everyMs: 200 }), 'Succeeded')
  }
})

function specification(name: string, location: string): string {
  const administrator = { AdministratorLogin: 'ada', AdministratorLoginPassword: 'Passw0rd!' }
  const [server, database] = [`ZumoSqlServer_${'0a'.repeat(16)}`, `ZumoSqlDatabase_${'0b'.repeat(16)}`]
  const configuration = {
    ...{ SchemaVersion: '2012-05.1.0', Location: 'West US', ExternalResources: {} },
    InternalResources: {
      ZumoMobileService: {
        ProvisioningParameters: {
          ...{ Name: name, Location: location, Platform: 'Node' },
          ...{ ProvisioningVersion: '2014-1-1', EnableExternalPush: true },
        },
        ProvisioningConfigParameters: {
          Server: { StringConcat: [{ ResourceReference: `${server}.Name` }, '.database.windows.net'] },
          ...{ Database: { ResourceReference: `${database}.Name` }, ...administrator },
        },
        ...{ Version: '2012-05-21.1.0', Name: 'ZumoMobileService', Type: SERVICE_TYPE },
      },
      [server]: {
        ProvisioningParameters: { ...administrator, Location: location },
        ...{ Version: '1.0', Name: server, Type: 'Microsoft.WindowsAzure.SQLAzure.Server' },
      },
      [database]: {
        ProvisioningParameters: { Name: `${name}_db`, Edition: 'WEB', MaxSizeInGB: '1' },
        ...{ Version: '1.0', Name: database, Type: 'Microsoft.WindowsAzure.SQLAzure.DataBase' },
      },
    },
  }
  const base64 = Buffer.from(JSON.stringify(configuration)).toString('base64')
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<Application xmlns="http://schemas.microsoft.com/windowsazure">',
    `<Name>${name}mobileservice</Name><Label>${name}</Label><Description>${name}</Description>`,
    `<Configuration>${base64}</Configuration></Application>`,
  ].join('')
}

function codeOf({ json }: ToolAnswer): string {
  return (json as { code: string }).code
}

function messageOf({ json }: ToolAnswer): string {
  return (json as { message: string }).message
}
