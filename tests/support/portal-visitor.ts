// How a person comes into the portal, and what there is to see.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { OWNER_INVITATION_FILE } from '../../src/contract/local-cloud.ts'
import { WELCOME_PATH } from '../../src/contract/portal-page.ts'
import type { TestCloud } from './cloud.ts'

export const PASSWORD = 'a heron on the pier'
export const TABS = [
  ...['quickstart', 'dashboard', 'data', 'api', 'scheduler', 'push', 'identity', 'configure', 'scale', 'logs'],
  'recovery',
]

/** An address of the portal, as a browser on this machine writes it. */
export function portalUrl(cloud: TestCloud, path: string): string {
  return `http://localhost:${cloud.controlPort}${path}`
}

/** The first owner's link, as `up` prints it. */
export async function ownerLink(cloud: TestCloud): Promise<string> {
  const token = (await readFile(join(cloud.home, OWNER_INVITATION_FILE), 'utf8')).trim()
  return portalUrl(cloud, `${WELCOME_PATH}#${token}`)
}

/** Opens an invitation and comes in. */
export async function choosePassword(page: Page, link: string): Promise<void> {
  await sendPassword(page, link)
  await page.getByRole('heading', { name: 'Services' }).waitFor()
}

/** Opens an invitation and sends a password, whatever comes of it. */
export async function sendPassword(page: Page, link: string): Promise<void> {
  await page.goto(link)
  await page.getByLabel('New password').fill(PASSWORD)
  await page.getByLabel('The same again').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
}
