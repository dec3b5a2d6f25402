// The portal in a real Chromium: the story of the lost region, walked as a person would, and everything around it.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { strFromU8, unzipSync } from 'fflate'
import type { Browser, Page } from 'playwright-core'
import type { ArchiveView, AuthProviderView, OperationView, ServiceView } from '../../src/contract/api.ts'
import { waitFor } from '../../src/kit/clock.ts'
import { signalProcess } from '../../src/kit/processes.ts'
import { type Complaints, openBrowser, openPage, requireAccessible, SEEN_MS_MAX } from '../support/browser.ts'
import { connectInside, freePort, TestCloud } from '../support/cloud.ts'
import { TOO_SLOW } from '../support/crash-cases.ts'
import { OPENSSL_PFX } from '../support/pfx.ts'
import { choosePassword, ownerLink, PASSWORD, portalUrl, sendPassword, TABS } from '../support/portal-visitor.ts'

const PAGES = ['/services', '/regions', '/databases', '/databases/sql-west-us', '/operations', '/incidents']
const SETTINGS = ['accounts', 'tokens', 'tools', 'notices', 'service-dashboard', 'audit', 'api', 'password'].map(
  (part) => `/settings/${part}`,
)
const SOON = { withinMs: SEEN_MS_MAX, everyMs: 50 }
const NASTY = '<img src=x onerror="alert(1)"><script>alert(2)</script>'

describe('the portal', () => {
  let cloud: TestCloud
  let browser: Browser
  let page: Page
  let complaints: Complaints

  before(async () => {
    const env = { MAINSTAY_MANAGEMENT_PORT: String(await freePort()) }
    cloud = await TestCloud.start('pair', { hasVault: true, env })
    browser = await openBrowser()
    ;({ page, complaints } = await openPage(browser))
  })
  after(async () => {
    await browser?.close()
    await cloud?.dispose()
  })

  const at = (path: string) => portalUrl(cloud, path)
  const button = (name: string | RegExp, on: Page = page) =>
    on.getByRole('button', { name, exact: typeof name === 'string' })
  const see = async (text: string | RegExp, on: Page = page) => await on.getByText(text).first().waitFor()
  const stateOf = async (name: string) => (await cloud.service(name)).health.state
  const signIn = async (on: Page, name: string) => {
    await on.goto(at('/'))
    await on.getByLabel('Name').fill(name)
    await on.getByLabel('Password').fill(PASSWORD)
    await button('Sign in', on).click()
    await on.getByRole('heading', { name: 'Services' }).waitFor()
  }

  test('the first owner comes in by the link that was printed, which then leads nowhere', async () => {
    const link = await ownerLink(cloud)
    await choosePassword(page, link)
    assert.doesNotMatch(page.url(), /#/)
    await page.getByRole('link', { name: 'PrimaryService', exact: true }).waitFor()
    const { page: late } = await openPage(browser)
    await sendPassword(late, link)
    await see(/was used already/, late)
    await late.goto(at('/services/PrimaryService/recovery'))
    await late.getByLabel('Name').fill('owner')
    await late.getByLabel('Password').fill('a heron on the roof')
    await button('Sign in', late).click()
    await see(/no account with this name and this password/, late)
    await late.getByLabel('Password').fill(PASSWORD)
    await button('Sign in', late).click()
    // Where one wanted to be.
    await late.getByRole('heading', { name: 'PrimaryService' }).waitFor()
    assert.match(late.url(), /\/services\/PrimaryService\/recovery$/)
    await late.context().close()
  })

  test('a service is made, and what that comes to is shown first', async () => {
    await page.goto(at('/services'))
    await button('Create a service').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('Third')
    await dialog.getByText('Reserved', { exact: true }).click()
    await dialog.getByRole('button', { name: 'Show what it does' }).click()
    await dialog.getByText(/Create 'Third' in West US, reserved with 1 unit.*sql-third/).waitFor()
    await assert.rejects(cloud.service('Third'), 'it was made before it was asked for')
    await dialog.getByRole('button', { name: 'Create', exact: true }).click()
    await waitFor(
      'it to be made',
      async () => ((await stateOf('Third').catch(() => '')) === 'Ready' ? true : undefined),
      SOON,
    )
    await page.getByRole('heading', { name: 'Third' }).waitFor()
  })

  test('deleted data is kept until its date or until it is back, and dropped sooner or at once when that is typed', async () => {
    const names = { kept: 'KeptAWhile', gone: 'GoneAtOnce' }
    for (const name of Object.values(names)) {
      await cloud.ok(['mobile', 'create', name, '--location', 'West US', '--sql-server', 'sql-west-us'])
    }
    const dialog = page.getByRole('dialog')
    const archived = async () => await cloud.json<ArchiveView[]>(['mobile', 'archive', 'list'])
    const typeIn = async (name: string, verb: string) => {
      const really = dialog.getByRole('button', { name: verb, exact: true })
      await dialog.getByText('What it does').waitFor()
      assert.equal(await really.isDisabled(), true)
      await dialog.getByLabel(`Type ${name} to go on`).fill(name)
      await really.click()
    }
    const remove = async (name: string, { isNow }: { isNow: boolean }) => {
      await page.goto(at(`/services/${name}/configure`))
      await button('Delete the service').click()
      const atOnce = dialog.getByLabel(/^At once/)
      // It says nothing of what stays.
      assert.equal(await atOnce.isDisabled(), true)
      await dialog.getByLabel(/^Also delete its data, after 30 days/).check()
      if (isNow) await atOnce.check()
      await dialog.getByRole('button', { name: 'Show what it does' }).click()
      await typeIn(name, 'Delete')
      await page.getByRole('heading', { name: 'Services', exact: true }).waitFor()
      await assert.rejects(cloud.service(name))
    }

    await remove(names.kept, { isNow: false })
    const row = page.getByRole('table', { name: 'Services that ended' }).getByRole('row', { name: names.kept })
    const [kept] = (await archived()).filter(({ name }) => name === names.kept)
    assert.equal(kept?.hasData, true)
    const keptMs = Date.parse(kept?.dropDataAt ?? '') - Date.parse(kept?.archivedAt ?? '')
    assert.equal(Math.round(keptMs / 86_400_000), 30)
    await row.getByText(`kept until ${kept?.dropDataAt?.slice(0, 10)}`).waitFor()
    await row.getByRole('button', { name: 'Bring back' }).click()
    await dialog.getByRole('button', { name: 'Show what it does' }).click()
    await dialog.getByRole('button', { name: 'Bring it back' }).click()
    await row.waitFor({ state: 'detached' })
    const isBack = async () => ((await stateOf(names.kept).catch(() => '')) === 'Ready' ? true : undefined)
    await waitFor('it to be back', isBack, SOON)
    await remove(names.kept, { isNow: false })
    await row.getByRole('button', { name: 'Drop' }).click()
    await dialog.getByText('It cannot be brought back then.').waitFor()
    await typeIn(names.kept, 'Drop it')
    await row.waitFor({ state: 'detached' })
    assert.equal((await archived()).filter(({ name }) => name === names.kept).length, 0)
    await dialog.getByRole('button', { name: 'Close' }).last().click()

    await remove(names.gone, { isNow: true })
    assert.equal((await archived()).filter(({ name }) => name === names.gone).length, 0)
    assert.equal(await page.getByRole('row', { name: names.gone }).count(), 0)
    const { server } = await cloud.service('PrimaryService')
    const inside = await connectInside(cloud, 'west-us', server)
    const schemas = Object.values(names).map((name) => name.toLowerCase())
    const areDropped = async () => {
      const { rows } = await inside.query('select nspname from pg_namespace where nspname = any($1)', [schemas])
      return rows.length === 0 ? true : undefined
    }
    await waitFor('the data of both to be dropped', areDropped, SOON).finally(() => inside.end())
  })

  test('a row is written, read and deleted; text in it stays text', async () => {
    const service = await cloud.service('PrimaryService')
    await cloud.app(service, '/tables/TodoItem', { method: 'POST', body: JSON.stringify({ id: 'nasty', text: NASTY }) })
    await page.goto(at('/services/PrimaryService/data/TodoItem'))
    await see(NASTY)
    assert.equal(await page.locator('img[src="x"]').count(), 0)
    await button('Add a row').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('id').fill('by-hand')
    await dialog.getByLabel('text').fill('Milk')
    await dialog.getByRole('button', { name: 'Insert it' }).click()
    const row = page.getByRole('row', { name: /by-hand/ })
    await row.getByRole('button', { name: 'Edit' }).click()
    await dialog.getByLabel('text').fill('Oat milk')
    // Changed by an app meanwhile: what was read is not written over.
    await cloud.app(service, '/tables/TodoItem/by-hand', { method: 'PATCH', body: '{"text":"Soy milk"}' })
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText(/was changed since it was read/).waitFor()
    await page.keyboard.press('Escape')
    await button('Read again').click()
    await row.getByText('Soy milk').waitFor()
    await row.getByRole('button', { name: 'Edit' }).click()
    await dialog.getByLabel('text').fill('Oat milk')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await row.getByText('Oat milk').waitFor()
    await row.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByRole('button', { name: 'Delete it' }).click()
    await row.waitFor({ state: 'detached' })
  })

  test('rows come from a file with what is wrong in it, and go to one', async () => {
    await page.goto(at('/services/PrimaryService/data/TodoItem'))
    const before = (await cloud.readIds(await cloud.service('PrimaryService'))).length
    await button('CSV in').click()
    const dialog = page.getByRole('dialog')
    const lines = [
      'id,text',
      ...Array.from({ length: 1_200 }, (_, index) => `file-${index},from a file`),
      'one,two,three',
    ]
    const buffer = Buffer.from(lines.join('\n'))
    await dialog.locator('input[type="file"]').setInputFiles({ name: 'rows.csv', mimeType: 'text/csv', buffer })
    await dialog.getByText('1,200 rows can be inserted.').waitFor()
    await dialog.getByText('Row 1202: it has 3 cells, not 2').waitFor()
    await dialog.getByRole('button', { name: 'Insert 1,200 rows' }).click()
    await dialog.getByText('1,200 rows inserted.').waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    const [download] = await Promise.all([page.waitForEvent('download'), button('CSV out').click()])
    const text = await readFile(await download.path(), 'utf8')
    assert.equal(text.match(/,from a file/g)?.length, 1_200)
    await see(`${(before + 1_200).toLocaleString('en-US')} rows written`)
  })

  test('a hundred thousand rows are paged and sorted, and deleted once that is typed', async () => {
    const service = await cloud.service('PrimaryService')
    const inside = await connectInside(cloud, 'west-us', service.server)
    await inside.query(`insert into primaryservice."TodoItem" (id, text)
      select 'many-' || lpad(one::text, 6, '0'), 'row ' || one from generate_series(1, 100000) as one`)
    const { rows } = await inside.query<{ count: number }>('select count(*)::int from primaryservice."TodoItem"')
    const all = rows[0]?.count ?? 0
    await inside.end()
    await page.goto(at('/services/PrimaryService/data/TodoItem'))
    await see(`1–50 of ${all}`)
    const table = page.getByRole('table', { name: 'Rows of TodoItem' })
    await table.getByRole('button', { name: 'id' }).click()
    await table.getByRole('columnheader', { name: 'id ↑' }).waitFor()
    await table.getByRole('button', { name: 'id ↑' }).click()
    await table.getByText('nasty').waitFor()
    await button('Next').click()
    await see(`51–100 of ${all}`)
    await page.getByLabel('Filter', { exact: true }).fill("endswith(text,' 77777') and id ge 'many'")
    await button('Filter').click()
    await see('1–1 of 1')
    await page.getByLabel('Filter', { exact: true }).fill('text eq')
    await button('Filter').click()
    await see(/Expression expected \(at index 7\)/)
    await page.getByLabel('Filter', { exact: true }).fill('')
    await button('Filter').click()
    await see(`1–50 of ${all}`)
    await button('Truncate').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(`${all.toLocaleString('en-US')} rows of TodoItem are deleted`).waitFor()
    const really = dialog.getByRole('button', { name: 'Delete every row' })
    assert.equal(await really.isDisabled(), true)
    await dialog.getByLabel('Type TodoItem to go on').fill('TodoItem')
    await really.click()
    await see('No rows')
    assert.deepEqual(await cloud.readIds(service), [])
  })

  test('an operation that fails says what was found, and what to do', async () => {
    const service = await cloud.service('PrimaryService')
    await cloud.insertRows(service, ['early'])
    const inside = await connectInside(cloud, 'west-us', service.server)
    await inside.query(`set session_replication_role = replica;
      update primaryservice."TodoItem" set "__updatedAt" = now() + interval '1 hour' where id = 'early'`)
    await page.goto(at('/services/PrimaryService/dashboard'))
    await button('Verify').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Verify', exact: true }).click()
    await dialog.getByText('It failed').waitFor()
    await dialog
      .getByText(/s ahead of now/)
      .first()
      .waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await inside.query(`update primaryservice."TodoItem" set "__updatedAt" = now() where id = 'early'`)
    await inside.end()
  })

  test('what apps asked is drawn, over the time that is chosen', async () => {
    await page.goto(at('/services/PrimaryService/dashboard'))
    const chart = page.getByRole('img', { name: /^Requests\. requests: [\d,]+ last, [1-9][\d,]* at most; errors: / })
    await chart.waitFor()
    await chart.locator('canvas').waitFor()
    await page.getByLabel('How far back').selectOption('30d')
    await page.getByRole('img', { name: /^Active devices/ }).waitFor()
    await page.goto(at('/databases/sql-west-us'))
    await page.getByRole('img', { name: /^How far the standby is behind\. mean: / }).waitFor()
  })

  test('a script is written in the editor, is in force for the next request, and has its versions', async () => {
    await page.goto(at('/services/PrimaryService/data/TodoItem?view=scripts'))
    const editor = page.getByRole('textbox', { name: /Script table\/TodoItem\.insert/ })
    await editor.click()
    await page.keyboard.press('Control+A')
    await page.keyboard.press('Delete')
    // Key by key, as a person: brackets and quotes that the editor closes by itself are typed over.
    await page.keyboard.type(`function insert(item, user, request) { item.text = 'scripted'; request.execute() }`)
    await button('Save').click()
    await see('Saved, and in force.')
    const service = await cloud.service('PrimaryService')
    const body = JSON.stringify({ id: 'by-script', text: 'as sent' })
    const answer = await cloud.app(service, '/tables/TodoItem', { method: 'POST', body })
    assert.equal(((await answer.json()) as { text: string }).text, 'scripted')
    await see('Version 1 is in force.')
    await page.getByRole('table', { name: 'Versions' }).getByText('owner').waitFor()
    const [zip] = await Promise.all([page.waitForEvent('download'), button('All scripts as a zip').click()])
    const files = unzipSync(await readFile(await zip.path()))
    assert.deepEqual(Object.keys(files), ['service/table/TodoItem.insert.js'])
    assert.match(strFromU8(files['service/table/TodoItem.insert.js'] ?? new Uint8Array()), /item\.text = 'scripted'/)
    await cloud.ok(['mobile', 'script', 'delete', 'PrimaryService', 'table/TodoItem.insert', '-q'])
  })

  test('an API and a job are made here, run, and what they said is in the log', async () => {
    const write = async (name: string, text: string) => {
      await page.getByRole('textbox', { name: `Script ${name}` }).click()
      await page.keyboard.press('Control+A')
      await page.keyboard.press('Delete')
      await page.keyboard.type(text)
      await button('Save').click()
      await see('Saved, and in force.')
    }
    await page.goto(at('/services/PrimaryService/api'))
    await button('Create an API').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('hello')
    await dialog.getByLabel('get').selectOption('public')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await write('api/hello', `exports.get = function (q, s) { console.warn('greeted'); s.json('hi') }`)
    const service = await cloud.service('PrimaryService')
    const answer = await fetch(
      `${service.url}api/hello`.replace(/^http:\/\/[^/]+\//, `${cloud.gatewayUrl}/services/primaryservice/`),
    )
    assert.deepEqual([answer.status, await answer.json()], [200, 'hi'])
    await page.goto(at('/services/PrimaryService/scheduler'))
    await button('Create a job').click()
    await dialog.getByLabel('Name').fill('sweep')
    await dialog.getByLabel('Runs').selectOption('none')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await write('scheduler/sweep', `function sweep() { console.log('swept here') }`)
    await button('Run now').click()
    await dialog.getByRole('button', { name: 'Run it' }).click()
    await page.getByRole('table', { name: 'Runs' }).getByText('swept here').waitFor()
    await page.goto(at('/services/PrimaryService/logs'))
    const lines = page.getByRole('table', { name: 'Lines' })
    await lines.getByText('swept here').waitFor()
    await page.getByLabel('Type').selectOption('warning')
    await lines.getByText('greeted').waitFor()
    assert.equal(await lines.getByText('swept here').count(), 0)
    await cloud.ok(['mobile', 'api', 'delete', 'PrimaryService', 'hello', '-q'])
    await cloud.ok(['mobile', 'job', 'delete', 'PrimaryService', 'sweep', '-q'])
  })

  test('the sample runs as it was downloaded', async () => {
    await page.goto(at('/services/PrimaryService/quickstart'))
    const [download] = await Promise.all([page.waitForEvent('download'), button('Download the sample').click()])
    const sample = await readFile(await download.path())
    const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(sample))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { page: app, complaints: theirs } = await openPage(browser)
      await app.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
      await app.getByLabel('What is to be done').fill(NASTY)
      await app.getByRole('button', { name: 'Add' }).click()
      const item = app.getByRole('listitem').filter({ hasText: NASTY }).last()
      await item.getByRole('checkbox').check()
      await app.locator('label.done').filter({ hasText: NASTY }).waitFor()
      await app.reload()
      await app.locator('label.done').filter({ hasText: NASTY }).waitFor()
      assert.deepEqual(theirs, [])
      await app.context().close()
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  test('what people are invited to do they may do, and no more', async () => {
    await page.goto(at('/settings/accounts'))
    await button('Invite').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('Rea')
    await dialog.getByLabel('Role').selectOption('reader')
    await dialog.getByRole('button', { name: 'Make an invitation' }).click()
    const link = await page
      .getByText(/\/welcome#\w{40}/)
      .first()
      .textContent()
    const { page: theirs, complaints: theirComplaints } = await openPage(browser)
    await choosePassword(theirs, link?.trim() ?? '')
    assert.equal(await button('Create a service', theirs).count(), 0)
    await theirs.goto(at('/services/PrimaryService/configure'))
    await theirs.getByRole('heading', { name: 'PrimaryService' }).waitFor()
    const { masterKey, applicationKey } = await cloud.service('PrimaryService')
    for (const tab of TABS) {
      await theirs.goto(at(`/services/PrimaryService/${tab}`))
      await theirs.getByRole('heading', { name: 'PrimaryService' }).waitFor()
      const html = await theirs.content()
      assert.ok(!html.includes(masterKey) && !html.includes(applicationKey), `a key stands on ${tab}`)
    }
    assert.equal(await button(/Recover|Change database|Delete/, theirs).count(), 0)
    await theirs.goto(at('/settings'))
    await theirs.getByRole('heading', { name: /Settings/ }).waitFor()
    assert.equal(await theirs.getByRole('link', { name: 'Accounts' }).count(), 0)
    await cloud.ok(['account', 'remove', 'Rea'])
    await theirs.reload()
    await theirs.getByRole('heading', { name: 'Sign in' }).waitFor()
    assert.deepEqual(theirComplaints, [])
    await theirs.context().close()
  })

  for (const [how, options] of [
    ['on a wide screen, light', { viewport: { width: 1_280, height: 900 }, colorScheme: 'light' }],
    ['on a phone, dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
  ] as const) {
    test(`every page is whole and accessible ${how}`, async () => {
      const opened = await openPage(browser, options)
      await signIn(opened.page, 'owner')
      for (const path of [...PAGES, ...SETTINGS, ...TABS.map((tab) => `/services/PrimaryService/${tab}`)]) {
        await opened.page.goto(at(path))
        await opened.page.getByRole('heading', { level: 1 }).waitFor()
        await opened.page.waitForLoadState('load')
        await requireAccessible(opened.page)
        const wide = await opened.page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        assert.ok(Number(wide) <= 0, `${path} is ${wide} px wider than the screen`)
      }
      assert.deepEqual(opened.complaints, [])
      await opened.page.context().close()
    })
  }

  test('a page that stands open while control is killed says so, and comes back by itself', async () => {
    await page.goto(at('/services/PrimaryService/dashboard'))
    await page.getByRole('heading', { name: 'PrimaryService' }).waitFor()
    const notice = page.getByText(/Trying again/)
    // What would start it again stands still meanwhile.
    signalProcess(cloud.pid, 'SIGSTOP')
    signalProcess(cloud.rolePid('control'), 'SIGKILL')
    await notice.waitFor()
    signalProcess(cloud.pid, 'SIGCONT')
    await waitFor('control', async () => ((await cloud.status().catch(() => null)) ? true : undefined), SOON)
    await notice.waitFor({ state: 'hidden' })
    signalProcess(cloud.rolePid('control'), 'SIGSTOP')
    await notice.waitFor()
    signalProcess(cloud.rolePid('control'), 'SIGCONT')
    await notice.waitFor({ state: 'hidden' })
    await cloud.ok(['mobile', 'config', 'set', 'PrimaryService', 'dynamicSchemaEnabled', 'false'])
    assert.equal(await page.getByRole('heading', { name: 'PrimaryService' }).count(), 1)
  })

  test('a dead region stands on every tab, with what to do, and a recovery from here brings the service back', async () => {
    await cloud.untilProtected('sql-west-us')
    const before = await cloud.service('PrimaryService')
    await cloud.insertRows(before, ['kept-1', 'kept-2'])
    await page.goto(at('/services/PrimaryService/dashboard'))
    await cloud.ok(['dev', 'outage', 'start', 'West US'])
    const banner = page.getByRole('region', { name: 'State of the service' })
    await banner.getByText('Unhealthy').waitFor()
    for (const tab of TABS) {
      await page.goto(at(`/services/PrimaryService/${tab}`))
      await banner.getByText('region_unreachable').waitFor()
      await banner.getByText(/A recovery to East US takes about/).waitFor()
      await banner.getByText('mainstay mobile recover PrimaryService SecondaryService').waitFor()
      await requireAccessible(page)
    }
    const { page: dashboard } = await openPage(browser)
    await dashboard.goto(at('/status'))
    await dashboard.getByText(/Recovery is advised/).waitFor()
    await dashboard.context().close()
    await banner.getByRole('button', { name: 'Recover PrimaryService' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('sql-west-us is promoted in East US').waitFor()
    const recover = dialog.getByRole('button', { name: 'Recover', exact: true })
    assert.equal(await recover.isDisabled(), true)
    await dialog.getByLabel('Type PrimaryService to go on').fill('PrimaryService')
    await recover.click()
    // When the URL answers again, the portal says so within a second.
    const isAnswering = async () =>
      (await cloud.app(before, '/tables/TodoItem').catch(() => null))?.status === 200 ? true : undefined
    await waitFor('the URL to answer', isAnswering, { withinMs: 60_000, everyMs: 20 })
    await dialog
      .getByText(/succeeded|done|finished/i)
      .first()
      .waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await banner.waitFor({ state: 'hidden' })
    const rows = await cloud.readIds(await cloud.service('PrimaryService'))
    assert.ok(rows.includes('kept-1') && rows.includes('kept-2'))
    const now: ServiceView = await cloud.service('PrimaryService')
    assert.deepEqual([now.region, now.url, now.applicationKey], ['East US', before.url, before.applicationKey])
    await page.goto(at('/services/PrimaryService/dashboard'))
    await see('East US')
    await cloud.ok(['dev', 'outage', 'stop', 'West US'])
  })

  test('it is taken home from here, and what each step took is kept', async () => {
    await cloud.untilRegionsReady()
    await page.goto(at('/services/PrimaryService/recovery'))
    const dialog = page.getByRole('dialog')
    const takeHome = async (before: number) => {
      await button('Take it home').click()
      await dialog.getByRole('button', { name: 'Show what it does' }).click()
      await dialog.getByText(/^Then move 'PrimaryService' to West US as planned/).waitFor()
      await dialog.getByLabel('Type PrimaryService to go on').fill('PrimaryService')
      await dialog.getByRole('button', { name: 'Take it home' }).click()
      const ended = async () => {
        const all = await cloud.api<OperationView[]>('/operations?service=PrimaryService&top=20')
        const ways = all.filter(({ kind }) => kind === 'failback')
        return ways.length > before && ways[0]?.state !== 'running' ? ways[0] : undefined
      }
      return await waitFor('it to be home', ended, { withinMs: 120_000, everyMs: 100 })
    }
    let way = await takeHome(0)
    // On a machine that is busy with other tests requests might have to wait too long: then all is put back, as it
    // says, and it is tried again as it advises.
    for (let tries = 1; way.error?.code === 'reprotect.part_failed' && tries < 3; tries += 1) {
      assert.ok(way.error.message.includes(TOO_SLOW), way.error.message)
      await page.reload()
      way = await takeHome(tries)
    }
    assert.deepEqual([way.state, way.error], ['succeeded', null])
    await dialog.getByText(/requests were held for \d+ ms/).waitFor()
    await dialog.getByRole('button', { name: 'Close' }).last().click()
    await page.getByText('Take home PrimaryService').first().waitFor()
    const now = await cloud.service('PrimaryService')
    assert.equal(now.region, 'West US')
    assert.deepEqual([now.secondary, (await cloud.server('sql-west-us')).isProtected], ['SecondaryService', true])
  })

  test('its database is changed to a restored one and back, each time with what that costs', async () => {
    const rows = (await cloud.readIds(await cloud.service('PrimaryService'))).length
    await cloud.untilRestorable('sql-west-us')
    await page.goto(at('/services/PrimaryService/recovery'))
    await button('Restore its database to a moment').click()
    const dialog = page.getByRole('dialog')
    // A second before the newest moment, by pointing into the time that can be restored.
    await dialog.getByRole('slider', { name: 'As it was at' }).press('ArrowLeft')
    assert.match(await dialog.getByRole('textbox', { name: 'As it was at' }).inputValue(), /^\d{4}-\d\d-\d\dT/)
    await dialog.getByLabel('Region').selectOption('West US')
    await dialog.getByLabel('Name of the new server').fill('before')
    await dialog.getByRole('button', { name: 'Show what it does' }).click()
    await dialog.getByLabel('Type PrimaryService to go on').fill('PrimaryService')
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click()
    const isRestored = async () => {
      const [newest] = await cloud.api<OperationView[]>('/operations?server=before&top=1')
      return newest?.state === 'succeeded' ? true : undefined
    }
    await waitFor('the server', isRestored, { withinMs: 60_000, everyMs: 100 })
    await page.goto(at('/services/PrimaryService/configure'))
    const changes = async () =>
      (await cloud.api<OperationView[]>('/operations?service=PrimaryService&top=50')).filter(
        ({ kind }) => kind === 'change_database',
      )
    // One that was put back since requests would have waited for too long is given again, as its hint says.
    const change = async (verb: string, to: string, opened: () => Promise<void>, triesLeft = 3): Promise<void> => {
      await opened()
      await dialog.getByRole('button', { name: 'Show what it does' }).click()
      await dialog.getByText(/^Hold requests meanwhile/).waitFor()
      await dialog.getByLabel('Type PrimaryService to go on').fill('PrimaryService')
      const known = new Set((await changes()).map(({ id }) => id))
      await dialog.getByRole('button', { name: verb }).click()
      const ended = async () => (await changes()).find(({ id, state }) => !known.has(id) && state !== 'running')
      const { state, error } = await waitFor(`the end of: ${verb}`, ended, SOON).catch(async (cause) => {
        throw new Error((await dialog.textContent()) ?? verb, { cause })
      })
      const isTooSlow = error?.code === 'switchover.too_slow' && triesLeft > 1
      assert.ok(state === 'succeeded' || isTooSlow, JSON.stringify(error))
      const left = dialog.getByText(/waiting|running/)
      // What was put back leaves steps that never had their turn.
      const isWhole = async () => (isTooSlow || (await left.count()) === 0 ? true : undefined)
      await waitFor('its last step', isWhole, SOON)
      await dialog.getByRole('button', { name: 'Close' }).last().click()
      if (isTooSlow) return await change(verb, to, opened, triesLeft - 1)
      assert.equal((await cloud.service('PrimaryService')).server, to)
    }
    await change('Change it', 'before', async () => {
      await button('Change database').click()
      await dialog.getByLabel('Server').selectOption('before')
    })
    const changed = await cloud.service('PrimaryService')
    assert.equal((await cloud.readIds(changed)).length, rows)
    await change('Go back', 'sql-west-us', async () => await button(/^Undo: back to sql-west-us/).click())
  })

  test('a provider is set up, keeps the secret that is not said again, and is taken away', async () => {
    const dialog = page.getByRole('dialog')
    await page.goto(at('/services/PrimaryService/identity'))
    await page.getByRole('table', { name: 'Providers' }).getByRole('link', { name: 'Google' }).click()
    await page.getByLabel('Client id', { exact: true }).fill(' the-client ')
    await page.getByLabel('Client secret').fill('a secret of google')
    await button('Save').click()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await see(/\/login\/google$/)
    await page.getByLabel('Client id', { exact: true }).fill('another-client')
    await button('Save').click()
    await dialog.getByRole('button', { name: 'Save' }).click()
    const shown = async () => await cloud.json<AuthProviderView[]>(['mobile', 'auth', 'list', 'PrimaryService'])
    const isChanged = async () => ((await shown())[0]?.appId === 'another-client' ? true : undefined)
    await waitFor('the change', isChanged, { withinMs: 10_000 })
    assert.equal((await shown())[0]?.secret, 'a secret of google')
    // The page has read it again, and begins anew with it.
    await page.getByRole('button', { name: 'Save', disabled: true }).waitFor()
    await button('Delete').click()
    await dialog.getByRole('button', { name: 'Delete it' }).click()
    await page.getByRole('table', { name: 'Providers' }).waitFor()
    assert.deepEqual(await shown(), [])
  })

  test('a domain is added, shown by HTTPS with a certificate, and taken away', async () => {
    const { pfx, password, thumbprint } = OPENSSL_PFX
    await page.goto(at('/services/PrimaryService/configure'))
    await button('Add a domain').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Host name').fill('todo.localhost')
    await dialog.getByRole('button', { name: 'Add' }).click()
    await dialog.getByText(/gives to its services itself/).waitFor()
    await dialog.getByLabel('Host name').fill('api.example.com')
    await dialog.getByRole('button', { name: 'Add' }).click()
    const domains = page.getByRole('table', { name: 'Domains' })
    await domains.getByText('api.example.com').waitFor()
    // Each one has fields or buttons that the next has, and goes slowly.
    await dialog.waitFor({ state: 'detached' })
    await button('Add a certificate').click()
    const file = { name: 'api.pfx', mimeType: 'application/x-pkcs12', buffer: pfx }
    await dialog.locator('input[type=file]').setInputFiles(file)
    await dialog.getByLabel('Password').fill(password)
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    const certificates = page.getByRole('table', { name: 'Certificates' })
    await certificates.getByText(thumbprint).waitFor()
    await dialog.waitFor({ state: 'detached' })
    await domains.getByRole('button', { name: 'Enable HTTPS' }).click()
    await dialog.getByLabel('Certificate').selectOption(thumbprint)
    await dialog.getByRole('button', { name: 'Enable' }).click()
    await domains.getByRole('cell', { name: 'on', exact: true }).waitFor()
    await dialog.waitFor({ state: 'detached' })
    assert.ok(await certificates.getByRole('button', { name: 'Delete' }).isDisabled())
    await domains.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByRole('button', { name: 'Delete' }).click()
    await domains.getByText('api.example.com').waitFor({ state: 'detached' })
  })

  test('a token and a target of notices are made, shown once, and taken away', async () => {
    await page.goto(at('/settings/tokens'))
    await button('Create a token').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('What it is for').fill('nightly')
    await dialog.getByRole('button', { name: /Create/ }).click()
    const tokens = page.getByRole('table', { name: 'Tokens' })
    await tokens.getByText('nightly').waitFor()
    await page.goto(at('/settings/notices'))
    await button('Add').click()
    await dialog.getByLabel('URL').fill('http://10.0.0.1/hook')
    await dialog.getByRole('button', { name: 'Add' }).click()
    // Where it may not lead is said in the dialog, and nothing is added.
    await dialog.getByText(/private|not allowed|may not/i).waitFor()
    await dialog.getByLabel('URL').fill('https://example.com/hook')
    await dialog.getByRole('button', { name: 'Add' }).click()
    await page
      .getByRole('table', { name: 'Targets of notices' })
      .getByText(/example\.com/)
      .waitFor()
  })

  test('publish settings are saved once, and their certificate is revoked', async () => {
    await page.goto(at('/settings/tools'))
    await page.getByText(/answered at/).waitFor()
    await button('Save publish settings').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Who it is for').fill('runbook')
    const saved = page.waitForEvent('download')
    await dialog.getByRole('button', { name: /Make and save/ }).click()
    const text = await readFile(await (await saved).path(), 'utf8')
    assert.match(text, /<Subscription ServiceManagementUrl="https:[^"]*" Id="[0-9a-f-]{36}"/)
    const certificates = page.getByRole('table', { name: 'Certificates of tools' })
    await certificates.getByText('runbook').waitFor()
    await certificates.getByRole('button', { name: 'Revoke' }).click()
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await certificates.getByText(/^revoked /).waitFor()
  })

  test('nothing complained all the while', () => assert.deepEqual(complaints, []))
})
