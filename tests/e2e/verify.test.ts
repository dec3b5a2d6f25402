// Verifying a service, with its backups in an object store: all is well while it is, under load too; and each single
// fault is found and named.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type pg from 'pg'
import type { ServiceView } from '../../src/contract/api.ts'
import { findPostmaster } from '../../src/databases/cluster.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { postgresFolderOf } from '../../src/kit/home-folder.ts'
import { signalProcess } from '../../src/kit/processes.ts'
import { connectInside, TestCloud } from '../support/cloud.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'
import { SteadyWriters } from '../support/steady-writers.ts'

const SERVER = 'sql-west-us'
const SOON = { withinMs: 60_000, everyMs: 100 }
const TABLE = 'shop."TodoItem"'
const QUIETLY = 'set session_replication_role = replica'
const ROWS = 30
// Which of the rows are damaged: `npm run campaign:faults` tries others.
const SEED = Number(process.env.VERIFY_FAULTS_SEED ?? 20261126)

describe('verifying a service', () => {
  let cloud: TestCloud
  let service: ServiceView
  let folder: string
  let primary: pg.Client
  let store: S3Server

  before(async () => {
    cloud = await TestCloud.prepare()
    store = await startS3Server()
    cloud.env = store.env
    await cloud.up()
    folder = await mkdtemp(join(tmpdir(), 'mainstay-verify-'))
    await cloud.ok(['mobile', 'create', 'Shop', '--location', 'West US'])
    await cloud.ok(['mobile', 'table', 'create', 'Shop', 'TodoItem'])
    await writeFile(join(folder, 'read.js'), 'function read(query, user, request) { request.execute(); }')
    await cloud.ok(['mobile', 'script', 'upload', 'Shop', 'table/TodoItem.read', '--file', join(folder, 'read.js')])
    service = await cloud.service('Shop')
    const ids = Array.from({ length: ROWS }, (_, number) => `row-${number}`)
    assert.equal((await cloud.insertRows(service, ids)).length, ROWS)
    await cloud.untilProtected(SERVER)
    await cloud.untilRestorable(SERVER)
    primary = await connectInside(cloud, 'west-us', SERVER)
  })
  after(async () => {
    await primary?.end().catch(() => {})
    await cloud?.dispose()
    await store?.stop()
    if (folder) await rm(folder, { recursive: true })
  })

  const verify = (...against: string[]) => ['mobile', 'verify', 'Shop', ...against]

  test('finds all well: what runs, what is there, the standby, the backup', async () => {
    assert.match(await cloud.ok(verify()), /1 table\(s\), 30 row\(s\), 2 index\(es\)[\s\S]*all is well/)
    assert.match(await cloud.ok(verify('--against', 'standby')), /30 row\(s\) on east-us-1 are the same/)
    assert.match(await cloud.ok(verify('--against', 'backup')), /30 row\(s\) of .*, 0 changed and 0 deleted since/)
  })

  test('takes what is only on its way to the standby for no fault', async () => {
    const writers = SteadyWriters.start(cloud, service, 4)
    await writers.untilWritten(30)
    await cloud.ok(verify('--against', 'standby'))
    await cloud.ok(verify('--against', 'backup'))
    assert.deepEqual((await writers.stop()).failed, [])
  })

  test('waits for a standby that died with its host, and is just starting again', async () => {
    const data = join(await postgresFolderOf(join(cloud.home, 'hosts', 'east-us')), SERVER, 'data')
    signalProcess(cloud.rolePid('east-us'), 'SIGKILL')
    signalProcess(findPostmaster(data) ?? 0, 'SIGKILL')
    assert.match(await cloud.ok(verify('--against', 'standby')), /row\(s\) on east-us-1 are the same/)
  })

  // Not one row for both: what was mended has another version than in the backup.
  const [damaged, stamped] = [`row-${SEED % ROWS}`, `row-${(SEED + 1) % ROWS}`]

  // Each is done by a superuser behind everybody's back, found, and put right again.
  type Case = { against?: 'backup'; break: string; mend: string; found: RegExp }
  const cases: Record<string, Case> = {
    'a trigger that is off': {
      break: `alter table ${TABLE} disable trigger ".stamp"`,
      mend: `alter table ${TABLE} enable trigger ".stamp"`,
      found: /TodoItem: its rows get no stamps/,
    },
    'an index that is gone': {
      break: `do $$ begin execute (select 'drop index shop.' || quote_ident(indexname) from pg_indexes
                where schemaname = 'shop' and indexdef like '%__updatedAt%'); end $$`,
      mend: `create index on ${TABLE} ("__updatedAt", id)`,
      found: /TodoItem: has no index on __updatedAt/,
    },
    'changes that could not be decoded': {
      break: `alter table ${TABLE} replica identity default`,
      mend: `alter table ${TABLE} replica identity full`,
      found: /replica identity is not full/,
    },
    'an owner who is not the service': {
      break: `alter table ${TABLE} owner to mainstay`,
      mend: `do $$ begin execute 'alter table ${TABLE} owner to ' || (select pg_get_userbyid(nspowner)
                from pg_namespace where nspname = 'shop'); end $$`,
      found: /TodoItem: belongs to mainstay/,
    },
    'versions that went back': {
      break: `select setval('shop.".versions"', 1)`,
      mend: `select setval('shop.".versions"', (select max("__version") + 1 from ${TABLE}))`,
      found: /version above the one that is given next|below those of its epoch/,
    },
    'a login of an older epoch': {
      break: `do $$ begin execute 'create role ' || (select pg_get_userbyid(nspowner) from pg_namespace
                where nspname = 'shop') || '_e0 login'; end $$`,
      mend: `do $$ begin execute 'drop role ' || (select pg_get_userbyid(nspowner) from pg_namespace
                where nspname = 'shop') || '_e0'; end $$`,
      found: /an older login is open: svc_/,
    },
    'a row from the future': {
      break: `${QUIETLY}; update ${TABLE} set "__updatedAt" = now() + interval '1 hour' where id = '${stamped}'; reset session_replication_role`,
      mend: `update ${TABLE} set text = text where id = '${stamped}'; ${QUIETLY};
             update ${TABLE} set "__updatedAt" = now() where id = '${stamped}'; reset session_replication_role`,
      found: /stamped 3[56]\d\d\.\d+ s ahead of now/,
    },
    'a row that was changed behind its version': {
      against: 'backup',
      break: `${QUIETLY}; update ${TABLE} set text = 'forged' where id = '${damaged}'; reset session_replication_role`,
      mend: `${QUIETLY}; update ${TABLE} set text = 'row ${damaged}' where id = '${damaged}'; reset session_replication_role`,
      found: new RegExp(`row '${damaged}' is another one in the backup`),
    },
    'a row that the backup lacks': {
      against: 'backup',
      break: `${QUIETLY}; insert into ${TABLE} (id, "__createdAt", "__updatedAt", "__version")
                select 'smuggled', now() - interval '1 day', now() - interval '1 day', 1; reset session_replication_role`,
      mend: `delete from ${TABLE} where id = 'smuggled'`,
      found: /row 'smuggled' is old enough, and not in the backup/,
    },
  }
  for (const [what, one] of Object.entries(cases)) {
    test(`finds ${what}`, async () => {
      // The vault's newest moment may be after the deed, and then has it too.
      const before = one.against && (await cloud.server(SERVER)).backup?.restorableTo
      await primary.query(one.break)
      const result = await cloud.cli(verify(...(before ? ['--against', before] : [])))
      await primary.query(one.mend)
      assert.equal(result.code, 1, result.stdout)
      assert.match(result.stderr, one.found)
    })
  }

  test('finds a script that is damaged where it runs', async () => {
    const texts = join(cloud.home, 'hosts', 'west-us', 'scripts')
    const [name] = await readdir(texts)
    const path = join(texts, name ?? '')
    const text = await readFile(path)
    await writeFile(path, 'function read() {}')
    await cloud.refuses(verify(), 1, /script table\/TodoItem\.read: another text runs/)
    await writeFile(path, text)
    await cloud.ok(verify())
  })

  test('finds a page of the standby that is damaged', async () => {
    const data = join(await postgresFolderOf(join(cloud.home, 'hosts', 'east-us')), SERVER, 'data')
    const { rows } = await primary.query<{ path: string }>('select pg_relation_filepath($1) as path', [TABLE])
    await primary.query('checkpoint')
    const path = join(data, rows[0]?.path ?? '')
    const isWritten = async () => ((await readFile(path)).length > 0 ? true : undefined)
    const standby = await connectInside(cloud, 'east-us', SERVER)
    await standby.query('checkpoint')
    await standby.end()
    await waitFor('the page on disk', isWritten, SOON)
    const page = await readFile(path)
    page.writeUInt8(page.readUInt8(8_000) ^ 0xff, 8_000)
    await writeFile(path, page)
    // What is in memory is still whole.
    const pid = findPostmaster(data)
    assert.ok(pid)
    signalProcess(pid, 'SIGKILL')
    await waitFor(
      'the standby to be back',
      async () => ((findPostmaster(data) ?? pid) === pid ? undefined : true),
      SOON,
    )
    await cloud.untilProtected(SERVER)
    await cloud.refuses(verify('--against', 'standby'), 1, /standby on east-us-1 cannot be read: .*invalid page/)
  })

  test('finds a table that is not there', async () => {
    await primary.query(`drop table ${TABLE}`)
    await cloud.refuses(verify(), 1, /table TodoItem: is defined, and not whole in the database/)
  })
})
