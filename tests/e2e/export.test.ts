// A mobile service as one file: out of one, into another, whole or not at all.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { ServiceView } from '../../src/contract/api.ts'
import { TestCloud } from '../support/cloud.ts'
import { SteadyWriters } from '../support/steady-writers.ts'

describe('an export', () => {
  let cloud: TestCloud
  let service: ServiceView
  let folder: string
  let file: string

  before(async () => {
    cloud = await TestCloud.start('pair')
    service = await cloud.service('PrimaryService')
    folder = await mkdtemp(join(tmpdir(), 'mainstay-export-'))
    file = join(folder, 'primary.gz')
    const script = join(folder, 'TodoItem.read.js')
    await writeFile(script, 'function read(query, user, request) { request.execute(); }')
    await cloud.ok(['mobile', 'script', 'upload', 'PrimaryService', 'table/TodoItem.read', '--file', script])
    const names = ['mobile', 'table', 'create', 'PrimaryService']
    await cloud.ok([...names, 'Notes', '--permissions', 'read=public,insert=admin', '--softDelete'])
    for (const row of ROWS) await insert('TodoItem', row)
    await cloud.ok([...names, 'Score', '--permissions', 'read=public,insert=admin', '--integerId'])
    for (const player of ['Ada', 'Bo', 'Cy']) await insert('Score', { player })
    await insert('Notes', { id: 'gone' })
    assert.equal((await cloud.app(service, '/tables/Notes/gone', { method: 'DELETE' })).status, 204)
  })
  after(async () => {
    await cloud?.dispose()
    if (folder) await rm(folder, { recursive: true })
  })

  const ROWS = [
    {
      id: 'a',
      text: 'line\u2028end, "quotes", back\\slash, \u0001',
      done: true,
      score: 0.1,
      at: '2026-11-26T01:02:03.456Z',
    },
    { id: 'B', text: 'Amélie', done: false, score: 1.7976931348623157e308 },
    { id: 'c', text: '', score: -12 },
  ]
  const insert = async (table: string, row: object) => {
    const headers = { 'x-zumo-master': service.masterKey }
    const answer = await cloud.app(service, `/tables/${table}`, { method: 'POST', body: JSON.stringify(row), headers })
    assert.equal(answer.status, 201, await answer.text())
  }
  const rowsOf = async (of: ServiceView) => {
    const answer = await cloud.app(of, '/tables/TodoItem?$orderby=id&__systemProperties=*')
    assert.equal(answer.status, 200, await answer.clone().text())
    return (await answer.json()) as { id: string; __version: string; __updatedAt: string }[]
  }
  const create = async (name: string) => {
    await cloud.ok(['mobile', 'create', name, '--location', 'East US'])
    return await cloud.service(name)
  }

  test('is written whole or not at all, and over nothing that is there', async () => {
    assert.match(await cloud.ok(['sql', 'export', 'PrimaryService', '-o', file]), /7 row\(s\) in .*primary\.gz/)
    await cloud.refuses(['sql', 'export', 'PrimaryService', '-o', file], 2, /is there[\s\S]*--override/)
    await cloud.refuses(['sql', 'export', 'PrimaryService', '-o', join(folder, 'no', 'where')], 2, /cannot write/)
    await cloud.refuses(['sql', 'export', 'Nobody', '-o', join(folder, 'x')], 2, /no mobile service 'Nobody'/)
    await assert.rejects(readFile(join(folder, 'x')), /ENOENT/)
    const text = gunzipSync(await readFile(file)).toString()
    assert.doesNotMatch(text, new RegExp(`${service.masterKey}|${service.applicationKey}`))
  })

  test('comes back in another region under another name: rows, stamps, permissions, scripts', async () => {
    const copy = await create('Copy')
    await create('Other')
    assert.match(await cloud.ok(['sql', 'import', 'Copy', file]), /From 'PrimaryService'[\s\S]*TodoItem +3/)
    const [before, now] = [await rowsOf(service), await rowsOf(copy)]
    assert.deepEqual(now, before)
    assert.match(await cloud.ok(['mobile', 'table', 'show', 'Copy', 'Notes']), /Soft delete +on[\s\S]*public/)
    assert.deepEqual(await (await cloud.app(copy, '/tables/Notes')).json(), [])
    const marked = await cloud.app(copy, '/tables/Notes?__includeDeleted=true&$select=id,__deleted')
    assert.deepEqual(await marked.json(), [{ id: 'gone', __deleted: true }])
    assert.match(await cloud.ok(['mobile', 'script', 'list', 'Copy']), /table\/TodoItem\.read/)
    const [changed] = await cloud.insertRows(copy, ['new'])
    assert.equal(changed, 'new')
    const versions = (await rowsOf(copy)).map((row) => Buffer.from(row.__version, 'base64').toString('hex'))
    assert.equal(new Set(versions).size, 4)
    await cloud.refuses(['sql', 'import', 'Copy', file], 1, /(TodoItem|Notes|Score) has rows already/)
  })

  test('has integer ids, which go on where they were; a file of rows has none', async () => {
    const copy = await cloud.service('Copy')
    const score = ['mobile', 'table', 'show', 'Copy', 'Score']
    assert.match(await cloud.ok(score), /Ids +integers that the service gives[\s\S]*player/)
    assert.doesNotMatch(await cloud.ok(score), /__version/)
    const rows = await (await cloud.app(copy, '/tables/Score')).json()
    assert.deepEqual(
      (rows as { id: number; player: string }[]).map(({ id, player }) => `${id} ${player}`),
      ['1 Ada', '2 Bo', '3 Cy'],
    )
    const csv = join(folder, 'score.csv')
    await cloud.ok(['mobile', 'data', 'export', 'Copy', 'Score', '-o', csv])
    assert.equal(await readFile(csv, 'utf8'), 'id,player\r\n1,Ada\r\n2,Bo\r\n3,Cy\r\n')
    await cloud.refuses(['mobile', 'data', 'import', 'Copy', 'Score', csv], 2, /gives its rows their ids/)
    await writeFile(csv, 'player\r\nDi\r\n')
    await cloud.ok(['mobile', 'data', 'import', 'Copy', 'Score', csv])
    assert.deepEqual(await (await cloud.app(copy, '/tables/Score/4')).json(), { id: 4, player: 'Di' })
    await cloud.refuses(['mobile', 'table', 'update', 'Copy', 'Score', '--softDelete', 'on'], 1, /has no soft delete/)
    const both = ['mobile', 'table', 'create', 'Copy', 'Both', '--softDelete', '--integerId']
    await cloud.refuses(both, 2, /no soft delete[\s\S]*Leave out one/)
    await cloud.ok(['mobile', 'table', 'create', 'Other', 'Score'])
    await cloud.refuses(['sql', 'import', 'Other', file], 1, /the ids of Score are integers, and here they are texts/)
    await cloud.ok(['mobile', 'table', 'delete', 'Other', 'Score', '--quiet'])
    assert.match(await cloud.ok(['mobile', 'verify', 'Copy']), /all is well/)
  })

  test('that is damaged or cut short is refused, and leaves no rows', async () => {
    const whole = await readFile(file)
    const text = gunzipSync(whole).toString()
    const copy = await cloud.service('Other')
    const wrong: [string, Buffer, RegExp][] = [
      ['cut', whole.subarray(0, whole.length - 30), /not all of it|cut short/],
      ['ends early', gzipSync(text.split('\n').slice(0, -2).join('\n')), /cut short/],
      ['another row', gzipSync(text.replace('Amélie', 'Amelie')), /not what its last line says/],
      [
        'another type',
        gzipSync(text.replace('"type":"number"', '"type":"text; drop table x"')),
        /cannot be imported|last line/,
      ],
      ['something else', Buffer.from('nothing'), /no export of a mobile service/],
      ['newer', gzipSync(`${text.split('\n')[0]?.replace('"format":2', '"format":9')}\n`), /a newer Mainstay/],
    ]
    for (const [what, content, message] of wrong) {
      const path = join(folder, what)
      await writeFile(path, content)
      const result = await cloud.cli(['sql', 'import', 'Other', path])
      assert.notEqual(result.code, 0, what)
      assert.match(result.stderr, message, what)
    }
    await cloud.ok(['sql', 'import', 'Other', file])
    assert.deepEqual(await rowsOf(copy), await rowsOf(service))
  })

  test('is of one moment, while rows are written', async () => {
    const writers = SteadyWriters.start(cloud, service, 4)
    await writers.untilWritten(50)
    await cloud.ok(['sql', 'export', 'PrimaryService', '-o', file, '--override'])
    await writers.untilWritten(20)
    const { failed } = await writers.stop()
    assert.deepEqual(failed, [])
    const copy = await create('Moment')
    await cloud.ok(['sql', 'import', 'Moment', file])
    const there = (await cloud.readIds(copy)).filter((id) => id.startsWith('run'))
    // Each writer writes one row after another: of each there is a beginning without a gap.
    for (const writer of new Set(there.map((id) => id.split('-').slice(0, 2).join('-')))) {
      const numbers = there.filter((id) => id.startsWith(`${writer}-`)).map((id) => Number(id.split('-')[2]))
      assert.deepEqual(
        numbers.sort((left, right) => left - right),
        [...numbers.keys()],
        writer,
      )
    }
  })
})
