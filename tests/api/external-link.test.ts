// The way to an external server: encrypted as asked, to whoever takes writes, and in turn for those who look after it.
import assert from 'node:assert/strict'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { ExternalEndpoint, TlsMode } from '../../src/contract/external-server.ts'
import { parseDatabaseUrl } from '../../src/databases/database-url.ts'
import { inTurn, readMark, readRights, writeMark } from '../../src/databases/external-platform.ts'
import { ExternalLink } from '../../src/host/external-link.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { removeTree } from '../../src/kit/files.ts'
import { openLog } from '../../src/kit/log.ts'
import { makeTestAuthority, type TestAuthority } from '../support/certificates.ts'
import { DATABASE, type ExternalPostgres, startExternalPostgres } from '../support/external-postgres.ts'

const SOON = { withinMs: 20_000, everyMs: 50 }

describe('the way to an external server', () => {
  let authority: TestAuthority
  let external: ExternalPostgres
  let folder: string
  const links: ExternalLink[] = []

  before(async () => {
    authority = await makeTestAuthority()
    external = await startExternalPostgres({ hasStandby: true, tls: await authority.issue() })
    folder = await mkdtemp(join(tmpdir(), 'mainstay-links-'))
    await chmod(folder, 0o755)
  })
  after(async () => {
    await Promise.all(links.map(async (link) => await link.close()))
    await external?.stop()
    if (folder) await removeTree(folder)
  })

  const open = async (tls: TlsMode, ca: string | null = null, ports?: number[]) => {
    const { hosts, user, password, database } = parseDatabaseUrl(external.url(ports ? { ports } : {}))
    const endpoint: ExternalEndpoint = { hosts, user, password, database, tls, ca }
    const link = new ExternalLink({
      server: `s${links.length}`,
      socketFolder: folder,
      endpoint,
      log: openLog('test', 'silent'),
      onChange: () => {},
    })
    links.push(link)
    await link.open()
    await waitFor('the hosts to be asked', () => (link.hosts.length > 0 ? true : undefined), SOON)
    return link
  }
  const isEncrypted = async (link: ExternalLink) => {
    const client = await link.connect()
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
    await client.end()
    return rows[0]?.ssl
  }

  test('is encrypted, and its certificate checked, where that is asked for', async () => {
    const checked = await open('verify-full', authority.certificate)
    assert.equal(checked.at, `127.0.0.1:${external.primary.port}`)
    assert.equal(await isEncrypted(checked), true)
    assert.equal(await isEncrypted(await open('require')), true)
  })

  test('is not gone by anybody else’s certificate, nor in the open where it must be encrypted', async () => {
    const other = await open('verify-full', (await makeTestAuthority()).certificate)
    assert.equal(other.at, null)
    assert.match(other.hosts[0]?.problem ?? '', /certificate|signature/)
    await assert.rejects(other.connect({ connectionTimeoutMillis: 5_000 }), /terminated|timeout|closed|ended/i)
    const unknown = await open('verify-full')
    assert.equal(unknown.at, null)
    const plain = await open('disable')
    assert.match(plain.hosts[0]?.problem ?? '', /no encryption|pg_hba/)
  })

  test('ends every connection to a primary that was demoted, and leads to the one that was promoted', async () => {
    const link = await open('verify-full', authority.certificate)
    const before = await link.connect()
    await before.query('create table story (id int)')
    const ended = new Promise<void>((resolve) => before.once('end', () => resolve()))
    const { primary, standby } = external
    assert.ok(standby)
    const isThere = async () =>
      (await standby.sql(`select 1 from pg_class where relname = 'story'`, DATABASE)).length > 0 ? true : undefined
    await waitFor('the standby to have it', isThere, SOON)
    // Both take writes for a moment: the one that was promoted is the one.
    await standby.promote()
    await ended
    assert.equal(link.at, `127.0.0.1:${standby.port}`)
    const now = await link.connect()
    await now.query('insert into story values (1)')
    await primary.sql('alter system set default_transaction_read_only = on')
    await primary.sql('select pg_reload_conf()')
    const states = () => link.hosts.map(({ state }) => state).join()
    await waitFor('both to be told apart', () => (states() === 'read_only,writable' ? true : undefined), SOON)
    await now.query('insert into story values (2)')
    await now.end()
    assert.deepEqual(await standby.sql('select count(*)::int as rows from story', DATABASE), [{ rows: 2 }])
  })

  test('is cut with the network of its machine', async () => {
    const link = await open('require')
    link.setCut(true)
    assert.equal(link.at, null)
    await assert.rejects(link.connect({ connectionTimeoutMillis: 5_000 }))
    link.setCut(false)
    await waitFor('it to be found again', () => link.at ?? undefined, SOON)
  })

  test('is gone in turn by those who look after it: who was replaced changes nothing more', async () => {
    const link = await open('require')
    const client = await link.connect()
    const ours = { cloud: 'ours', server: 'orders' }
    assert.equal(await readMark(client), null)
    assert.deepEqual((await readRights(client)).problems, [])
    await writeMark(client, ours)
    assert.equal(await inTurn(client, { ...ours, version: 7 }, async () => 'done'), 'done')
    assert.equal(await inTurn(client, { ...ours, version: 8 }, async () => 'done'), 'done')
    await assert.rejects(
      inTurn(client, { ...ours, version: 7 }, async () => 'done'),
      { code: 'assignment.stale' },
    )
    // One waits for the other.
    const other = await link.connect()
    let isOver = false
    const first = inTurn(client, { ...ours, version: 9 }, async () => {
      await client.query('select pg_sleep(0.2)')
      isOver = true
    })
    await waitFor(
      'the first to have its turn',
      async () =>
        (await external.standby?.sql(`select 1 from pg_locks where locktype = 'advisory'`))?.length ? true : undefined,
      SOON,
    )
    assert.equal(await inTurn(other, { ...ours, version: 9 }, async () => isOver), true)
    await first
    await writeMark(client, { cloud: 'theirs', server: 'orders' })
    await assert.rejects(
      inTurn(client, { ...ours, version: 10 }, async () => 'done'),
      { code: 'external.attached_elsewhere' },
    )
    assert.equal(await inTurn(client, { cloud: 'theirs', server: 'orders', version: 1 }, async () => 'done'), 'done')
    await Promise.all([client.end(), other.end()])
  })
})
