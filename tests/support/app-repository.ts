// The repository of a service as a team has it: 50 scripts, 3 custom APIs, permissions, a job, and npm modules.
import { NpmRegistry } from './npm-registry.ts'

const OPERATIONS = ['insert', 'read', 'update', 'delete'] as const
const TABLES = 11

/** Its files, by their paths: 11 tables with 4 scripts each, 3 custom APIs, 2 shared modules and a job. */
export function appRepository(): Record<string, string> {
  const files: Record<string, string> = {
    'README.md': '# Our app\n',
    'service/package.json': JSON.stringify({ name: 'app', dependencies: { 'left-pad': '^1.0.0', moment: '2.0.0' } }),
    'service/shared/mail.js': "exports.send = function (to) { return 'sent to ' + to }\n",
    'service/shared/lib/rules.js': 'exports.max = 10\n',
    'service/scheduler/cleanup.js': "function cleanup() { console.log('cleaned') }\n",
    'service/scheduler/cleanup.json': JSON.stringify({
      schedule: { kind: 'cron', line: '0 3 * * *' },
      isEnabled: true,
    }),
  }
  for (let number = 1; number <= TABLES; number += 1) {
    const table = `Table${number}`
    files[`service/table/${table}.json`] = permissionsOf({ insert: 'user', read: 'public', '*': 'admin' })
    for (const operation of OPERATIONS) files[`service/table/${table}.${operation}.js`] = tableScript(operation)
  }
  for (const api of ['hello', 'orders', 'admin']) {
    files[`service/api/${api}.js`] = `exports.get = function (req, res) { res.send(200, '${api}') }\n`
    files[`service/api/${api}.json`] = permissionsOf({ get: 'public', '*': 'admin' })
  }
  return files
}

/** A permission file as the original had them. */
export function permissionsOf(levels: Record<string, string>): string {
  const route = Object.fromEntries(Object.entries(levels).map(([key, permission]) => [key, { permission }]))
  return JSON.stringify({ routes: { '*': route } }, null, 2)
}

/** A registry that has the packages which it names. */
export async function registryOfApp(): Promise<NpmRegistry> {
  const registry = await NpmRegistry.start()
  await registry.publish('left-pad', '1.3.0', { files: { 'index.js': 'module.exports = (text) => text' } })
  await registry.publish('moment', '2.0.0', { files: { 'index.js': 'module.exports = () => new Date()' } })
  return registry
}

function tableScript(operation: (typeof OPERATIONS)[number]): string {
  const name = operation === 'delete' ? 'del' : operation
  const first = operation === 'read' ? 'query' : operation === 'delete' ? 'id' : 'item'
  return `function ${name}(${first}, user, request) {\n  request.execute()\n}\n`
}
