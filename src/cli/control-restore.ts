// `control restore`: makes a control database anew from an archive in a vault. The role does it; this tells of it.
import type { Command } from 'commander'
import type { RestoreAnswer, RestoreReport } from '../contract/restore.ts'
import { Fault } from '../kit/fault.ts'
import { realFolder } from '../kit/home-folder.ts'
import { startRole } from '../kit/launcher.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import { type CommonFlags, homeOf } from './config.ts'

type Flags = CommonFlags & {
  from: string
  keyFile: string
  passphraseFile?: string
  database?: string
  at?: string
  dryRun?: boolean
}

/** Adds the command. */
export function addControlRestore(control: Command, shell: Shell): void {
  addCommand(control, {
    usage: 'restore',
    about: 'make a control database anew from an archive in a vault',
    examples: [
      'mainstay control restore --from /mnt/vault --key-file mainstay.key --home /var/lib/mainstay-control',
      'mainstay control restore --from /mnt/vault --key-file mainstay.key --home NEW --dry-run',
    ],
  })
    .requiredOption('--from <vault>', 'the folder that control archived to')
    .requiredOption('--key-file <file>', 'the exported control key')
    .option('--passphrase-file <file>', 'the passphrase of a locked key')
    .option('--database <url>', 'restore into an external PostgreSQL (better: MAINSTAY_CONTROL_DB)')
    .option('--at <archive>', 'this archive instead of the newest whole one')
    .option('--dry-run', 'look and check, change nothing')
    .action(async (flags: Flags) => {
      await runCommand(shell, { name: 'control restore', flags }, async ({ talk }) => {
        const home = homeOf(flags, shell.env)
        const report = await restoreByRole(argsOf(flags, home), (text) => talk.info(text))
        return { json: report, lines: linesOf(report, home, flags) }
      })
    })
}

function argsOf(flags: Flags, home: string): string[] {
  const files = ['--from', realFolder(flags.from), '--key-file', realFolder(flags.keyFile), '--home', home]
  const optional = [
    ['--passphrase-file', flags.passphraseFile && realFolder(flags.passphraseFile)],
    ['--database', flags.database],
    ['--at', flags.at],
  ].flatMap(([name, value]) => (name && value ? [name, value] : []))
  return [...files, ...optional, ...(flags.dryRun === true ? ['--dry-run'] : [])]
}

async function restoreByRole(args: string[], tell: (text: string) => void): Promise<RestoreReport> {
  const child = startRole(['control', 'restore-archive', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => (output.stdout += chunk))
  child.stderr?.on('data', (chunk) => (output.stderr += chunk))
  tell('Reading the vault')
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve())
  })
  const line = output.stdout.trim().split('\n').at(-1) ?? ''
  if (!line.startsWith('{')) {
    throw new Fault('restore.failed', 500, `the restore ended without an answer: ${output.stderr.trim()}`)
  }
  const answer = JSON.parse(line) as RestoreAnswer
  if ('report' in answer) return answer.report
  const { code, message, hint } = answer.fault
  throw new Fault(code, answer.status, message, hint === undefined ? {} : { hint })
}

function linesOf(report: RestoreReport, home: string, flags: Flags): string[] {
  const lines = [
    ...report.lostRepositories.map(
      (name) => `No repository   ${name}: enable its source control anew; its scripts are there`,
    ),
    ...report.lostModules.map(
      (name) => `No npm modules  ${name}: upload its package.json again; its scripts are there`,
    ),
    ...report.damaged.map(({ archive, problem }) => `Passed over     ${archive}: ${problem}`),
    `Archive         ${report.archive} in ${report.vault}`,
    `Taken at        ${report.takenAt}`,
    `Holds           ${report.rows} rows; services: ${report.services.join(', ') || 'none'}; servers: ${report.servers.join(', ') || 'none'}`,
    ...report.operations.map((operation) => `Was under way   ${operation}`),
  ]
  if (report.isDryRun) return [...lines, 'Nothing was changed.']
  const database = flags.database === undefined ? '' : ' with the same MAINSTAY_CONTROL_DB'
  return [
    ...lines,
    'It decides nothing before it has heard the hosts, and takes no epoch that any of them has seen.',
    `Next: mainstay control --home ${home}${database}, at the address that hosts and gateways have as --control`,
  ]
}
