// A real Chromium, which comes as a package, and pages in it that must not complain.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import Chromium from '@sparticuz/chromium'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const ARGS = ['--no-sandbox', '--headless=shell', '--no-zygote', '--font-render-hinting=none', '--hide-scrollbars']
/** How long something may take to be seen: there is a whole cloud beside it on the machine. */
export const SEEN_MS_MAX = 30_000

/** What a page said that it should not have: errors of scripts, and what its policy refused. */
export type Complaints = string[]

/** Starts it. The caller closes it in an `after` hook. */
export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: await Chromium.executablePath(), args: ARGS, headless: true })
}

/** A page of somebody who has nothing of the others. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: Complaints }> {
  const context = await browser.newContext({
    ...{ viewport: { width: 1_280, height: 900 }, locale: 'en-US' },
    // A dialog that fades out stands beside the next one, and would be taken for it.
    reducedMotion: 'reduce',
    ...options,
  })
  context.setDefaultTimeout(SEEN_MS_MAX)
  const page = await context.newPage()
  const complaints: Complaints = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // A request that was refused or broken is the test's affair, and logged by Chromium as an error.
    const isOfNetwork = /Failed to load resource|net::ERR_/.test(message.text())
    if (message.type() === 'error' && !isOfNetwork)
      complaints.push(`${page.url()}: ${message.text()} (${message.location().url}:${message.location().lineNumber})`)
  })
  page.on('dialog', async (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`)
    await dialog.dismiss()
  })
  return { page, complaints }
}

/** Faults on what axe finds that is serious or critical on the page as it is. */
export async function requireAccessible(page: Page): Promise<void> {
  const path = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
  // Into a world of its own, which the page's policy does not bind.
  const session = await page.context().newCDPSession(page)
  const { frameTree } = await session.send('Page.getFrameTree')
  const world = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' })
  const run = async (expression: string) =>
    await session.send('Runtime.evaluate', {
      ...{ expression, contextId: world.executionContextId, awaitPromise: true, returnByValue: true },
    })
  await run(await readFile(path, 'utf8'))
  const { result } = await run(`axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => id + ': ' + help + ': ' + nodes.map((one) => one.html).join(' ').slice(0, 500)))`)
  await session.detach()
  assert.deepEqual(result.value, [], `axe on ${page.url()}`)
}
