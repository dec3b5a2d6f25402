// The other commands of the CLI: their lines, their JSON, their exit codes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pickPort } from '../../src/local/ports.ts'
import { type Replies, startFakeControl } from '../support/cli-control.ts'
import { runCli, temporaryFolder } from '../support/cli-run.ts'
import { ILL_SERVICE, recoveryAt, SERVICE } from '../support/cli-views.ts'

const CREATED = { ...recoveryAt(7), id: 'op2', kind: 'create', report: null, plan: null }
const TABLE = {
  name: 'TodoItem',
  idType: 'string',
  hasSoftDelete: false,
  permissions: { insert: 'application', read: 'public', update: 'admin', delete: 'admin' },
  recordCount: 1_204,
  bytes: 212_992,
  columns: [{ name: 'id', type: 'string', indexed: true }],
  createdAt: SERVICE.createdAt,
}
const REPLIES: Replies = {
  'GET /services': { status: 200, body: [SERVICE] },
  'GET /services/PrimaryService': { status: 200, body: ILL_SERVICE },
  'GET /services/Empty': { status: 200, body: { ...SERVICE, name: 'Empty', tables: [] } },
  'POST /services': { status: 202, body: CREATED },
  'GET /services/PrimaryService/tables': { status: 200, body: [TABLE] },
  'GET /services/PrimaryService/tables/TodoItem': { status: 200, body: TABLE },
  'POST /services/PrimaryService/tables': { status: 201, body: TABLE },
  'GET /services/PrimaryService/tables/TodoItem/data': { status: 200, body: [{ id: 'a', text: 'hello' }] },
  'DELETE /services/PrimaryService': { status: 202, body: { ...CREATED, kind: 'delete' } },
  'GET /archives': {
    status: 200,
    body: [
      {
        ...{ name: 'PrimaryService', reason: 'deleted', mode: 'shared', units: 0, region: 'west-us', hasData: true },
        ...{ archivedAt: '2026-11-30T12:00:00.000Z', dropDataAt: '2026-12-30T12:00:00.000Z' },
      },
    ],
  },
  'DELETE /archives/PrimaryService': {
    status: 200,
    body: { isDryRun: true, changes: ["Forget 'PrimaryService', which ended at 2026-11-30T12:00:00.000Z"] },
  },
  'GET /regions': { status: 200, body: [] },
}

type Row = { name: string; args: string[]; input?: string; code: number; says: RegExp[]; never?: RegExp[] }

const TABLE_OF_COMMANDS: Row[] = [
  {
    name: 'list prints a table with the name, state and URL',
    args: ['mobile', 'list'],
    code: 0,
    says: [
      /^info: {4}Executing command mobile list\ndata: {4}Name +State +URL +Region +Cause\ndata: {4}-+/,
      /mobile list command OK\n$/,
    ],
  },
  {
    name: 'show tells cause, evidence and the next command',
    args: ['mobile', 'show', 'PrimaryService'],
    code: 0,
    says: [/cause +region_unreachable/, /evidence +no heartbeat for 6 s/, /next +mainstay mobile recover Primary/],
  },
  {
    name: 'create prints keys and a curl line in path form',
    args: ['mobile', 'create', 'Empty', '--location', 'West US'],
    code: 0,
    says: [
      /Application key +APPKEY/,
      /mainstay mobile table create Empty TodoItem/,
      /curl -X POST -H 'X-ZUMO-APPLICATION: APPKEY' .*\/services\/PrimaryService\/tables\/TodoItem\n/,
    ],
  },
  {
    name: 'create refuses a bad name before it asks control',
    args: ['mobile', 'create', '1x'],
    code: 2,
    says: [/error: {3}'1x' cannot be the name/],
  },
  {
    name: 'create refuses a bad mode',
    args: ['mobile', 'create', 'abc', '--mode', 'x'],
    code: 2,
    says: [/shared or reserved/],
  },
  {
    name: 'delete asks first and takes no for an answer',
    args: ['mobile', 'delete', 'PrimaryService'],
    input: 'n\n',
    code: 0,
    says: [/but leave all data intact\? \[y\/n\]: \n/, /Deletion cancelled with no changes made\./],
    never: [/Deleted/],
  },
  {
    name: 'delete --quiet deletes, and tells until when and how it comes back',
    args: ['mobile', 'delete', 'PrimaryService', '-q', '--deleteData'],
    code: 0,
    says: [
      /Deleted mobile service\./,
      /kept until 2026-12-30T12:00:00\.000Z, and then dropped/,
      /mainstay mobile restore-deleted PrimaryService\n/,
      /mainstay mobile archive delete PrimaryService\n/,
    ],
  },
  {
    name: 'delete --deleteData asks for what can be brought back',
    args: ['mobile', 'delete', 'PrimaryService', '--deleteData'],
    input: 'n\n',
    code: 0,
    says: [/with all data, which can be brought back for 30 days\? \[y\/n\]: \n/],
    never: [/Deleted/],
  },
  {
    name: 'delete --now asks for what cannot be brought back',
    args: ['mobile', 'delete', 'PrimaryService', '--deleteData', '--now'],
    input: 'y\n',
    code: 0,
    says: [/with all data, which cannot be brought back\? \[y\/n\]: \n/, /Deleted mobile service\./],
    never: [/restore-deleted/],
  },
  {
    name: 'delete without an answer tells the same command that asks nothing',
    args: ['mobile', 'delete', 'PrimaryService', '--deleteData', '--now'],
    code: 2,
    says: [/mainstay mobile delete PrimaryService --deleteData --now --quiet/],
    never: [/Deleted/],
  },
  {
    name: 'archive delete without an answer tells the same command that asks nothing',
    args: ['mobile', 'archive', 'delete', 'PrimaryService'],
    code: 2,
    says: [/mainstay mobile archive delete PrimaryService --ended-at 2026-11-30T12:00:00\.000Z --quiet/],
  },
  {
    name: 'delete --now alone is refused before anything is asked',
    args: ['mobile', 'delete', 'PrimaryService', '--now', '-q'],
    code: 2,
    says: [/it takes --deleteData as well/, /mainstay mobile delete PrimaryService --deleteData --now/],
    never: [/Deleted/],
  },
  {
    name: 'archive list tells until when data is kept',
    args: ['mobile', 'archive', 'list'],
    code: 0,
    says: [/PrimaryService .* until 2026-12-30T12:00:00\.000Z +deleted/],
  },
  {
    name: 'archive delete shows what goes, and takes no for an answer',
    args: ['mobile', 'archive', 'delete', 'PrimaryService'],
    input: 'n\n',
    code: 0,
    says: [/Forget 'PrimaryService', which ended at/, /It cannot be brought back then\. \[y\/n\]: \n/, /cancelled/],
  },
  {
    name: 'table list counts rows',
    args: ['mobile', 'table', 'list', 'PrimaryService'],
    code: 0,
    says: [/TodoItem +1 +1,204/],
  },
  {
    name: 'table show tells rows and size',
    args: ['mobile', 'table', 'show', 'PrimaryService', 'TodoItem'],
    code: 0,
    says: [/Rows +1,204\n.*Size +208\.0 KiB\n/],
  },
  {
    name: 'table create refuses an unknown level',
    args: ['mobile', 'table', 'create', 'PrimaryService', 'TodoItem', '-p', 'read=all'],
    code: 2,
    says: [/names no level/, /Levels are public/],
  },
  {
    name: 'data read shows rows',
    args: ['mobile', 'data', 'read', 'PrimaryService', 'TodoItem'],
    code: 0,
    says: [/data: {4}id {2}text\ndata: {4}-- {2}-----\ndata: {4}a {3}hello/],
  },
  {
    name: 'an unknown name exits 2',
    args: ['mobile', 'show', 'Nobody'],
    code: 2,
    says: [/error: {3}/, /mobile show command failed/],
  },
  {
    name: 'an unknown command exits 2 with a suggestion',
    args: ['mobile', 'recvoer', 'A', 'B'],
    code: 2,
    says: [/error: {3}'mobile recvoer' is not a mainstay command\nTry: {5}mainstay mobile recover\n/],
  },
  {
    name: 'account create, which is not needed, exits 2 and tells how somebody is let in',
    args: ['account', 'create', 'ada@example.com', '--json'],
    code: 2,
    says: [
      /error: {3}there is no 'account create': a cloud has one subscription.*\nTry: {5}mainstay account invite NAME --role operator\n/,
      /"code": ?"usage\.misused"/,
    ],
    never: [/Executing command/],
  },
  { name: 'an unknown flag exits 2', args: ['mobile', 'list', '--bogus'], code: 2, says: [/unknown option '--bogus'/] },
  {
    name: 'a missing name without anybody to ask exits 2',
    args: ['mobile', 'show'],
    code: 2,
    says: [/mainstay mobile show SERVICE/],
  },
  { name: 'another subscription exits 2', args: ['mobile', 'list', '-s', 'x'], code: 2, says: [/no subscription 'x'/] },
  {
    name: 'region set without a number exits 2',
    args: ['region', 'set', 'West US'],
    code: 2,
    says: [/nothing to set/],
  },
  {
    name: 'help has an example',
    args: ['mobile', 'create', '--help'],
    code: 0,
    says: [/Examples:\n {2}\$ mainstay mobile create/],
  },
]

for (const row of TABLE_OF_COMMANDS) {
  test(row.name, async (context) => {
    const control = await startFakeControl(context, REPLIES)
    const input = row.input === undefined ? {} : { input: row.input }
    const ran = await runCli(context, row.args, { env: control.env, ...input })
    const said = ran.stdout + ran.stderr
    assert.equal(ran.code, row.code, said)
    for (const pattern of row.says) assert.match(said, pattern)
    for (const pattern of row.never ?? []) assert.doesNotMatch(said, pattern)
  })
}

test('list --json prints what control answered and nothing else on stdout', async (context) => {
  const control = await startFakeControl(context, REPLIES)
  const ran = await runCli(context, ['mobile', 'list', '--json'], { env: control.env })
  assert.deepEqual(JSON.parse(ran.stdout), [SERVICE])
  assert.equal(ran.stderr, 'info:    Executing command mobile list\n')
})

test('an empty list says how to create a service', async (context) => {
  const control = await startFakeControl(context, { 'GET /services': { status: 200, body: [] } })
  const ran = await runCli(context, ['mobile', 'list'], { env: control.env })
  const expected =
    "No mobile services created yet. You can create new mobile services using the 'mainstay mobile create' command."
  assert.equal(ran.stdout.split('\n')[1], `info:    ${expected}`)
})

test('table create sends the permissions, and names in URLs are encoded', async (context) => {
  const control = await startFakeControl(context, REPLIES)
  const list = 'insert=application,read=public,*=admin'
  await runCli(context, ['mobile', 'table', 'create', 'PrimaryService', 'TodoItem', '-p', list], { env: control.env })
  assert.deepEqual(control.asked[0]?.body, { name: 'TodoItem', permissions: TABLE.permissions })
  const ran = await runCli(context, ['mobile', 'show', 'a/../b'], { env: control.env })
  assert.equal(ran.code, 2)
  assert.equal(control.asked.at(-1)?.path, '/services/a%2F..%2Fb')
})

test('without a cloud the CLI says how to start one and exits 1', async (context) => {
  const home = temporaryFolder(context)
  const ran = await runCli(context, ['mobile', 'list', '--home', home])
  assert.equal(ran.code, 1)
  assert.match(ran.stderr, /^error: {3}no local cloud is running in .*\nTry: {5}Start it: mainstay up --home /)
  const outage = await runCli(context, ['dev', 'outage', 'start', 'West US', '--home', home])
  assert.equal(outage.code, 1)
  assert.match(outage.stderr, /Try: {5}Start it: mainstay up/)
})

test('a control that does not answer, or refuses the token, is told apart', async (context) => {
  // A port that was free a moment ago.
  const silent = { MAINSTAY_CONTROL_URL: `http://127.0.0.1:${await pickPort()}`, MAINSTAY_TOKEN: 'x' }
  const none = await runCli(context, ['status'], { env: silent })
  assert.match(none.stderr, /control does not answer at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/)
  const control = await startFakeControl(context, REPLIES)
  const refused = await runCli(context, ['status'], { env: { ...control.env, MAINSTAY_TOKEN: 'wrong' } })
  assert.match(refused.stderr, /does not accept this token/)
  assert.deepEqual([none.code, refused.code], [1, 1])
})

test('a control that is named without a token is a misuse', async (context) => {
  const ran = await runCli(context, ['mobile', 'list', '--control', 'http://127.0.0.1:9'])
  assert.equal(ran.code, 2)
  assert.match(ran.stderr, /Set MAINSTAY_TOKEN/)
})

test('reset refuses a folder that is no cloud of ours', async (context) => {
  const ran = await runCli(context, ['reset', '-q', '--home', temporaryFolder(context)])
  assert.equal(ran.code, 2)
  assert.match(ran.stderr, /there is no local cloud in/)
})
