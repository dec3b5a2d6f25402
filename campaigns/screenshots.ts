// Takes the pictures of the portal that are in docs/screenshots: `npm run screenshots`. A real cloud, well at first, then with
// a region dead; every tab, light and dark.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { waitFor } from '../src/kit/clock.ts'
import { openBrowser, openPage } from '../tests/support/browser.ts'
import { TestCloud } from '../tests/support/cloud.ts'
import { choosePassword, ownerLink, portalUrl, TABS } from '../tests/support/portal-visitor.ts'

const FOLDER = new URL('../docs/screenshots', import.meta.url).pathname
const PAGES = ['services', 'regions', 'databases', 'operations', 'incidents']
const SIZE = { width: 1_120, height: 720 }
const PHONE = { width: 390, height: 780 }
// Small: they are in the repository.
const QUALITY = 55

const cloud = await TestCloud.start('pair', { hasVault: true })
const browser = await openBrowser()
try {
  await rm(FOLDER, { recursive: true, force: true })
  await mkdir(FOLDER, { recursive: true })
  const { page } = await openPage(browser, { viewport: SIZE })
  await choosePassword(page, await ownerLink(cloud))
  const service = await cloud.service('PrimaryService')
  await cloud.insertRows(service, ['milk', 'bread', 'a new boat'])
  await cloud.untilProtected('sql-west-us')
  const isBackedUp = async () => (await cloud.server('sql-west-us')).backup?.restorableTo ?? undefined
  await waitFor('a backup', isBackedUp, { withinMs: 120_000 })
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    for (const name of PAGES) await take(page, `/${name}`, `${name}-${scheme}`)
    for (const tab of TABS) await take(page, `/services/PrimaryService/${tab}`, `${tab}-${scheme}`)
  }
  await cloud.ok(['dev', 'outage', 'start', 'West US'])
  await cloud.untilState('PrimaryService', 'Unhealthy', 30_000)
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    await take(page, '/services', `services-unhealthy-${scheme}`)
    for (const tab of TABS) await take(page, `/services/PrimaryService/${tab}`, `${tab}-unhealthy-${scheme}`)
  }
  await page.setViewportSize(PHONE)
  await take(page, '/services/PrimaryService/recovery', 'recovery-unhealthy-phone')
} finally {
  await browser.close()
  await cloud.dispose()
}

async function take(page: Page, path: string, name: string): Promise<void> {
  await page.goto(portalUrl(cloud, path))
  await page.getByRole('heading', { level: 1 }).waitFor()
  // What is fetched is there when nothing says any more that it is being fetched.
  const waiting = page.getByLabel(/^(Fetching|Asking)/).or(page.getByText(/^(Fetching|Asking)/))
  const isWhole = async () => ((await waiting.count()) === 0 ? true : undefined)
  await waitFor('the page', isWhole, { withinMs: 15_000 })
  await page.evaluate('document.fonts.ready')
  await page.screenshot({ path: join(FOLDER, `${name}.jpg`), type: 'jpeg', quality: QUALITY })
  process.stdout.write(`${name}\n`)
}
