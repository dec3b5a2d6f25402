import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSpecification, serviceOfApplication } from './create-specification.ts'

const SERVICE = {
  ProvisioningParameters: { Name: 'App-1', Location: 'East US', Platform: 'Node', ProvisioningVersion: '2014-1-1' },
  ProvisioningConfigParameters: { AdministratorLogin: 'ada', AdministratorLoginPassword: 'secret' },
  Version: '2012-05-21.1.0',
  Name: 'ZumoMobileService',
  Type: 'Microsoft.WindowsAzure.MobileServices.MobileService',
}

function xmlOf(specification: unknown): string {
  const base64 = Buffer.from(JSON.stringify(specification)).toString('base64')
  return `<Application xmlns="http://schemas.microsoft.com/windowsazure"><Name>App-1mobileservice</Name><Label>App-1</Label><Description>App-1</Description><Configuration>${base64}</Configuration></Application>`
}

test('a new server is the placement that we choose', () => {
  const server = {
    ProvisioningParameters: { AdministratorLogin: 'ada' },
    Type: 'Microsoft.WindowsAzure.SQLAzure.Server',
  }
  const InternalResources = { ZumoMobileService: SERVICE, ZumoSqlServer_0a: server }
  assert.deepEqual(readSpecification(xmlOf({ Location: 'West US', ExternalResources: {}, InternalResources })), {
    name: 'App-1',
    location: 'East US',
  })
})

test('a server that exists is named by its URI, with or without a database', () => {
  for (const tail of ['sql-west', 'sql-west/databases/App-1_db']) {
    const URI = `https://localhost:8443/0a/services/sqlservers/servers/${tail}`
    const ExternalResources = { ZumoSqlServer_0a: { Name: 'ZumoSqlServer_0a', URI } }
    const specification = { ExternalResources, InternalResources: { ZumoMobileService: SERVICE } }
    assert.equal(readSpecification(xmlOf(specification)).sqlServer, 'sql-west')
  }
})

test('what is no specification is refused', () => {
  const dotNet = { ...SERVICE, ProvisioningParameters: { Name: 'a1', Platform: 'DotNet' } }
  for (const xml of [undefined, '', '<Application/>', xmlOf({}), xmlOf({ InternalResources: { a: dotNet } })]) {
    assert.throws(() => readSpecification(xml), { code: 'service.bad_specification', status: 400 })
  }
  assert.throws(() => readSpecification('<Configuration>bm8ganNvbg==</Configuration>'), /base64/)
})

test('an application is named after its service', () => {
  assert.equal(serviceOfApplication('App-1mobileservice'), 'App-1')
  assert.equal(serviceOfApplication('mobileservice'), null)
  assert.equal(serviceOfApplication('App-1'), null)
})
