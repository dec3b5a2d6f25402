// The CLI: one program, one file for each command.

import { Command, CommanderError } from 'commander'
import { readRelease } from '../kit/release.ts'
import { addAccount } from './account.ts'
import { addAccountTools } from './account-tools.ts'
import { addAcme } from './acme.ts'
import { addApi } from './api.ts'
import { addAppSetting } from './appsetting.ts'
import { addArchiveDelete, addArchiveList, addRestores } from './archive.ts'
import { addAuditExport } from './audit-export.ts'
import { addAuditList } from './audit-list.ts'
import { addAuth } from './auth.ts'
import { addCert } from './cert.ts'
import { addGroup, type Shell } from './command.ts'
import { readEnvironment, typedAs } from './config.ts'
import { addControlKeyExport } from './control-key-export.ts'
import { addControlRestore } from './control-restore.ts'
import { addControlSettle } from './control-settle.ts'
import { addDataChange } from './data-change.ts'
import { addDataCsv } from './data-csv.ts'
import { addDataRead } from './data-read.ts'
import { addDemo } from './demo.ts'
import { addDeployment } from './deployment.ts'
import { addDeploymentUser } from './deployment-user.ts'
import { addDevOutage } from './dev-outage.ts'
import { addDevTraffic } from './dev-traffic.ts'
import { addDoctor } from './doctor.ts'
import { addDomain, addDomainSsl } from './domain.ts'
import { EXIT_DONE } from './exit-code.ts'
import { addIncidentList } from './incident-list.ts'
import { addJob } from './job.ts'
import { addJoinTokenCreate } from './join-token-create.ts'
import { addKey } from './key.ts'
import { addLogin } from './login.ts'
import { addLogout } from './logout.ts'
import { addMachineList } from './machine-list.ts'
import { addMachineRevoke } from './machine-revoke.ts'
import { addMachineMeasures, addMobileUsage, addServerMeasures } from './measured.ts'
import { explainMisuse } from './misuse.ts'
import { addMobileChangeDatabase } from './mobile-change-database.ts'
import { addMobileConfig } from './mobile-config.ts'
import { addMobileCreate } from './mobile-create.ts'
import { addMobileDelete } from './mobile-delete.ts'
import { addMobileFailback, addMobileReprotect } from './mobile-failback.ts'
import { addMobileList } from './mobile-list.ts'
import { addMobileLocations } from './mobile-locations.ts'
import { addMobileLog } from './mobile-log.ts'
import { addMobileRecover } from './mobile-recover.ts'
import { addMobileRestart } from './mobile-restart.ts'
import { addMobileShow } from './mobile-show.ts'
import { addMobileSwitchover } from './mobile-switchover.ts'
import { addMobileVerify } from './mobile-verify.ts'
import { addNotice } from './notice.ts'
import { addOperation } from './operation.ts'
import { addPreview } from './preview.ts'
import { addPush } from './push.ts'
import { addRegionList } from './region-list.ts'
import { addRegionSet } from './region-set.ts'
import { addReset } from './reset.ts'
import { addScale } from './scale.ts'
import { addScript } from './script.ts'
import { addSqlBackup, addSqlRestore } from './sql-backup.ts'
import { addSqlDivergence } from './sql-divergence.ts'
import { addSqlExport } from './sql-export.ts'
import { addSqlRestoreTable } from './sql-restore-table.ts'
import { addSqlServerAttach, addSqlServerDetach } from './sql-server-attach.ts'
import { addSqlServerCreate } from './sql-server-create.ts'
import { addSqlServerDelete } from './sql-server-delete.ts'
import { addSqlServerList } from './sql-server-list.ts'
import { addSqlServerPromote } from './sql-server-promote.ts'
import { addSqlServerProtect } from './sql-server-protect.ts'
import { addSqlServerShow } from './sql-server-show.ts'
import { addSqlServerSwitchover } from './sql-server-switchover.ts'
import { addStatus } from './status.ts'
import { addTableCreate } from './table-create.ts'
import { addTableDelete } from './table-delete.ts'
import { addTableList } from './table-list.ts'
import { addTableShow } from './table-show.ts'
import { addTableUpdate } from './table-update.ts'
import { addToken } from './token.ts'
import { addUp } from './up.ts'

const FIRST_MINUTES = `
The first minutes:
  $ mainstay demo        a disaster and its recovery, in one minute
  $ mainstay up          a two-region cloud on this machine`

/** Runs one command line and ends the process with its exit code. */
export async function main(args: string[]): Promise<void> {
  const env = readEnvironment()
  // A reader that has seen enough (`| head`) is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT_DONE : 1))
  const exitCode = await runLine(args, {
    streams: {
      out: { stream: process.stdout, isTerminal: process.stdout.isTTY === true },
      err: { stream: process.stderr, isTerminal: process.stderr.isTTY === true },
      typedAs: typedAs(env),
    },
    input: { stream: process.stdin, isTerminal: process.stdin.isTTY === true },
    env,
  })
  process.exit(exitCode)
}

/** Runs one command line in a world of its own; returns its exit code. */
export async function runLine(args: string[], world: Omit<Shell, 'exitCode'>): Promise<number> {
  const shell: Shell = { ...world, exitCode: EXIT_DONE }
  try {
    await buildProgram(shell).parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    shell.exitCode = explainMisuse(error, { args, streams: shell.streams })
  }
  return shell.exitCode
}

/** All commands, ready to parse. */
export function buildProgram(shell: Shell): Command {
  const program = new Command('mainstay')
    .description('A self-hosted mobile backend that survives the loss of its region.')
    .version(readRelease())
    .exitOverride()
    .enablePositionalOptions()
    // Misuse is told in our own lines, by `explainMisuse`.
    .configureOutput({ writeOut: (text) => shell.streams.out.stream.write(text), outputError: () => {} })
    .showSuggestionAfterError(true)
  program.addHelpText('after', FIRST_MINUTES)
  addUp(program, shell)
  addStatus(program, shell)

  const mobile = addGroup(program, 'mobile', 'mobile services')
  addMobileLocations(mobile, shell)
  addMobileList(mobile, shell)
  addMobileShow(mobile, shell)
  addMobileCreate(mobile, shell)
  addMobileDelete(mobile, shell)
  addMobileRecover(mobile, shell)
  addMobileSwitchover(mobile, shell)
  addMobileChangeDatabase(mobile, shell)
  addMobileReprotect(mobile, shell)
  addMobileFailback(mobile, shell)
  addMobileRestart(mobile, shell)
  addMobileVerify(mobile, shell)
  addMobileUsage(mobile, shell)
  addMobileLog(mobile, shell)
  addScript(addGroup(mobile, 'script', 'scripts of a mobile service'), shell)
  addApi(addGroup(mobile, 'api', 'custom APIs of a mobile service'), shell)
  addJob(addGroup(mobile, 'job', 'what a mobile service does by the clock'), shell)
  addPush(addGroup(mobile, 'push', 'push notifications of a mobile service'), shell)
  addAppSetting(addGroup(mobile, 'appsetting', 'what scripts find in their environment'), shell)
  addPreview(addGroup(mobile, 'preview', 'preview features of a mobile service: source control'), shell)
  addDeployment(addGroup(mobile, 'deployment', 'what was pushed to a mobile service, and going back'), shell)
  addAuth(addGroup(mobile, 'auth', 'through whom the users of a mobile service sign in'), shell)
  const domain = addGroup(mobile, 'domain', 'host names of a mobile service')
  addDomain(domain, shell)
  addDomainSsl(addGroup(domain, 'ssl', 'HTTPS of a domain'), shell)
  addCert(addGroup(mobile, 'cert', 'certificates for the domains of a mobile service'), shell)
  addRestores(mobile, shell)
  const archive = addGroup(mobile, 'archive', 'mobile services that ended and can be brought back')
  addArchiveList(archive, shell)
  addArchiveDelete(archive, shell)
  addScale(addGroup(mobile, 'scale', 'mode and units of a mobile service'), shell)
  addMobileConfig(addGroup(mobile, 'config', 'settings of a mobile service'), shell)
  addKey(addGroup(mobile, 'key', 'keys of a mobile service'), shell)
  const table = addGroup(mobile, 'table', 'tables of a mobile service')
  addTableList(table, shell)
  addTableShow(table, shell)
  addTableCreate(table, shell)
  addTableUpdate(table, shell)
  addTableDelete(table, shell)
  const data = addGroup(mobile, 'data', 'rows of a table')
  addDataRead(data, shell)
  addDataChange(data, shell)
  addDataCsv(data, shell)

  const region = addGroup(program, 'region', 'regions and their capacity')
  addRegionList(region, shell)
  addRegionSet(region, shell)
  const databases = addGroup(program, 'sql', 'databases')
  const server = addGroup(databases, 'server', 'SQL servers and their copies')
  addSqlServerList(server, shell)
  addSqlServerShow(server, shell)
  addServerMeasures(server, shell)
  addSqlServerCreate(server, shell)
  addSqlServerProtect(server, shell)
  addSqlServerSwitchover(server, shell)
  addSqlServerPromote(server, shell)
  addSqlServerDelete(server, shell)
  addSqlServerAttach(server, shell)
  addSqlServerDetach(server, shell)
  addSqlBackup(addGroup(databases, 'backup', 'backups of SQL servers'), shell)
  addSqlRestore(databases, shell)
  addSqlRestoreTable(databases, shell)
  addSqlExport(databases, shell)
  addSqlDivergence(addGroup(databases, 'divergence', 'writes that only a lost primary had'), shell)

  addAcme(addGroup(program, 'acme', 'having certificates for domains issued'), shell)
  addJoinTokenCreate(addGroup(program, 'join-token', 'letting machines join'), shell)
  const machine = addGroup(program, 'machine', 'machines that joined')
  addMachineList(machine, shell)
  addMachineMeasures(machine, shell)
  addMachineRevoke(machine, shell)
  addLogin(program, shell)
  addLogout(program, shell)
  addOperation(addGroup(program, 'operation', 'long changes and how they go'), shell)
  const audit = addGroup(program, 'audit', 'who changed what')
  addAuditList(audit, shell)
  addAuditExport(audit, shell)
  addIncidentList(addGroup(program, 'incident', 'what is or was not well'), shell)
  const account = addGroup(program, 'account', "who may sign in to the portal, and how the original's tools come in")
  addAccount(account, shell)
  addAccountTools(account, shell)
  addDeploymentUser(addGroup(account, 'deployment-user', 'who may push with a password'), shell)
  addToken(addGroup(program, 'token', 'what programs show to control'), shell)
  addNotice(addGroup(program, 'notice', 'whom incidents are told to'), shell)
  const control = addGroup(program, 'control', 'the control database: its key and its archives')
  addControlKeyExport(addGroup(control, 'key', 'the key of its secrets'), shell)
  addControlRestore(control, shell)
  addControlSettle(control, shell)

  const dev = addGroup(program, 'dev', 'trying disasters on the local cloud')
  addDevOutage(addGroup(dev, 'outage', 'outages of a region'), shell)
  addDevTraffic(dev, shell)
  addDemo(program, shell)
  addDoctor(program, shell)
  addReset(program, shell)
  return program
}
