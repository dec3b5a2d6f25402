// The portal with far more than a page holds, over a slow line: every service is found, and what takes long says so.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { OWNER_INVITATION_FILE } from '../../src/contract/local-cloud.ts'
import { WELCOME_PATH } from '../../src/contract/portal-page.ts'
import { type Complaints, openBrowser, openPage } from '../support/browser.ts'
import { LoneControl } from '../support/lone-control.ts'
import { choosePassword } from '../support/portal-visitor.ts'

const SERVICES = 200
/** As a slow mobile line: nearly half a second there and back, 1.4 Mbit/s. */
const SLOW = { offline: false, latency: 400, downloadThroughput: 180_000, uploadThroughput: 80_000 }

describe('the portal of a large cloud', () => {
  let control: LoneControl
  let browser: Browser
  let page: Page
  let complaints: Complaints

  before(async () => {
    control = await LoneControl.start()
    await control.seed()
    // Copies of one, under names of their own; their machines were never heard, and it is theirs that is told.
    await control.sql(
      `insert into services (id, subscription_id, name, schema_name, region, machine, mode, units, epoch, server, state,
         application_key, master_key, login_password)
       select 'many-' || one, subscription_id, 'Many' || lpad(one::text, 3, '0'), 'many' || one, region, machine, mode, units,
         nextval('epochs'), server, state, application_key, master_key, login_password
       from services, generate_series(1, ${SERVICES}) as one where name = 'PrimaryService'`,
    )
    browser = await openBrowser()
    ;({ page, complaints } = await openPage(browser))
    const token = (await readFile(join(control.home, OWNER_INVITATION_FILE), 'utf8')).trim()
    await choosePassword(page, `http://localhost:${control.port}${WELCOME_PATH}#${token}`)
  })
  after(async () => {
    await browser?.close()
    await control?.dispose()
  })

  test('every service is counted, and any of them is found by its name', async () => {
    await page.getByText(`${SERVICES + 2} mobile services in`).waitFor()
    const table = page.getByRole('table', { name: 'Mobile services' })
    assert.ok((await table.getByRole('row').count()) < SERVICES, 'all of them are on one page')
    await page.getByLabel('Find services').fill('many177')
    await table.getByRole('link', { name: 'Many177', exact: true }).waitFor()
    assert.equal(await table.getByRole('row').count(), 2)
  })

  test('over a slow line what is on its way is said, and it comes', async () => {
    const session = await page.context().newCDPSession(page)
    await session.send('Network.enable')
    await session.send('Network.setCacheDisabled', { cacheDisabled: true })
    await session.send('Network.emulateNetworkConditions', SLOW)
    await page.goto(`http://localhost:${control.port}/services/Many042/recovery`, { waitUntil: 'commit' })
    await page.getByRole('status').first().waitFor()
    await page.getByRole('heading', { name: 'Many042' }).waitFor()
    await page.getByText('The pair, now').waitFor()
    await session.detach()
    assert.deepEqual(complaints, [])
  })
})
