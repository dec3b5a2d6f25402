// `status post|posts|unpost|config`: what the Service Dashboard says besides what is measured.
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { NewStatusPost } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { pairLines, tableLines } from './columns.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'

type PostFlags = CommonFlags & { text?: string; file?: string; from?: string; until?: string }
type ConfigFlags = CommonFlags & { showNames?: string }

/** Adds the commands below `status`. */
export function addStatusPosts(status: Command, shell: Shell): void {
  addPost(status, shell)
  addPosts(status, shell)
  addUnpost(status, shell)
  addConfig(status, shell)
}

function addPost(status: Command, shell: Shell): void {
  addCommand(status, {
    usage: 'post <title>',
    about: 'write on the Service Dashboard, which everybody can read; with --from and --until: planned maintenance',
    examples: [
      'mainstay status post "We are looking into it" --text "Apps of **West US** answer slowly."',
      'mainstay status post "Disks are replaced" --file plan.md --from 2026-12-01T02:00:00Z --until 2026-12-01T03:00:00Z',
    ],
  })
    .option('--text <markdown>', 'what it says')
    .option('--file <file>', 'a file of markdown with what it says')
    .option('--from <time>', 'when maintenance begins, as 2026-12-01T02:00:00Z')
    .option('--until <time>', 'when it ends')
    .action(async (title: string, flags: PostFlags) => {
      await runCommand(shell, { name: 'status post', flags }, async (session) => {
        const post = { title, text: await readText(flags), ...windowOf(flags) }
        const view = await (await session.client()).addStatusPost(post)
        return { json: view, lines: pairLines([['Post', view.id]]) }
      })
    })
}

function addPosts(status: Command, shell: Shell): void {
  addCommand(status, {
    usage: 'posts',
    about: 'list what was written on the Service Dashboard, the newest first',
    examples: ['mainstay status posts'],
  }).action(async (flags: CommonFlags) => {
    await runCommand(shell, { name: 'status posts', flags }, async (session) => {
      const posts = await (await session.client()).listStatusPosts()
      const rows = posts.map(({ id, at, title, window }) => [
        ...[id, at, title],
        window ? `${window.from} to ${window.to}` : '',
      ])
      const lines = posts.length === 0 ? ['There are none.'] : tableLines(['Post', 'At', 'Title', 'Maintenance'], rows)
      return { json: posts, lines }
    })
  })
}

function addUnpost(status: Command, shell: Shell): void {
  addCommand(status, {
    usage: 'unpost <post>',
    about: 'take something away from the Service Dashboard',
    examples: ['mainstay status unpost 3f2c9a'],
  }).action(async (post: string, flags: CommonFlags) => {
    await runCommand(shell, { name: 'status unpost', flags }, async (session) => {
      await (await session.client()).removeStatusPost(post)
      return { json: { removed: post }, lines: [`${post} is on the Service Dashboard no more.`] }
    })
  })
}

function addConfig(status: Command, shell: Shell): void {
  addCommand(status, {
    usage: 'config',
    about: 'show, or change, what the Service Dashboard tells the public',
    examples: ['mainstay status config', 'mainstay status config --show-names on'],
  })
    .option('--show-names <on|off>', 'names of mobile services that are not well (off at first)')
    .action(async (flags: ConfigFlags) => {
      await runCommand(shell, { name: 'status config', flags }, async (session) => {
        const client = await session.client()
        const areNamesShown = readSwitch(flags.showNames)
        const view = areNamesShown === null ? await client.dashboard() : await client.setDashboard({ areNamesShown })
        return { json: view, lines: pairLines([['Names are shown', view.areNamesShown ? 'yes' : 'no']]) }
      })
    })
}

async function readText({ text, file }: PostFlags): Promise<string> {
  if ((text === undefined) === (file === undefined)) {
    throw new Fault('usage.bad_option', 400, 'a post wants --text or --file', {
      hint: 'Say what it says: --text "Apps of **West US** answer slowly."',
    })
  }
  return text ?? (await readFile(file ?? '', 'utf8'))
}

function windowOf({ from, until }: PostFlags): Pick<NewStatusPost, 'window'> {
  if (from === undefined && until === undefined) return {}
  if (from === undefined || until === undefined) {
    throw new Fault('usage.bad_option', 400, 'maintenance has a begin and an end', {
      hint: 'Give both: --from TIME --until TIME',
    })
  }
  return { window: { from: momentOf('--from', from), to: momentOf('--until', until) } }
}

function momentOf(option: string, text: string): string {
  const at = new Date(text)
  if (Number.isNaN(at.getTime())) {
    throw new Fault('usage.bad_option', 400, `${option}: '${text}' is no moment`, {
      hint: `Write it with its zone: ${option} 2026-12-01T02:00:00Z`,
    })
  }
  return at.toISOString()
}

function readSwitch(text: string | undefined): boolean | null {
  if (text === undefined) return null
  if (text === 'on' || text === 'off') return text === 'on'
  throw new Fault('usage.bad_option', 400, `--show-names is on or off, not '${text}'`, {
    hint: 'Type: mainstay status config --show-names on',
  })
}
