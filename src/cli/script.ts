// `mobile script list|download|upload|delete|modules`: the scripts of a mobile service, every version of them kept.
import type { Command } from 'commander'
import type { ScriptVersionView, ScriptView, ScriptWrittenView } from '../contract/api.ts'
import { LOCK_FILE, type NpmPackage, PACKAGE_FILE } from '../contract/npm-modules.ts'
import { Fault } from '../kit/fault.ts'
import { needService, needText, wholeNumber } from './asking.ts'
import { tableLines } from './columns.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { readLockBeside, readScriptFile, scriptPath, writeScriptFile } from './script-files.ts'

type ListFlags = CommonFlags & { versions?: string }
type DownloadFlags = CommonFlags & {
  file?: string
  override?: boolean
  all?: boolean
  output?: string
  scriptVersion?: string
}
type UploadFlags = CommonFlags & { file?: string }

const LIST = 'mainstay mobile script list SERVICE'
const DOWNLOAD = 'mainstay mobile script download SERVICE table/TodoItem.insert'
const UPLOAD = 'mainstay mobile script upload SERVICE table/TodoItem.insert'
const UPLOAD_PACKAGE = 'mainstay mobile script upload SERVICE package.json'
const MODULES = 'mainstay mobile script modules SERVICE'
const DELETE = 'mainstay mobile script delete SERVICE table/TodoItem.insert'
const VERSION_MAX = 1_000_000_000

/** Adds the commands. */
export function addScript(script: Command, shell: Shell): void {
  addList(script, shell)
  addDownload(script, shell)
  addUpload(script, shell)
  addDelete(script, shell)
  addModules(script, shell)
}

function addList(script: Command, shell: Shell): void {
  addCommand(script, {
    usage: 'list [service]',
    about: 'list the scripts in force, or all versions of one',
    examples: [LIST, `${LIST} --versions table/TodoItem.insert`],
  })
    .option('--versions <script>', 'the versions of this script, newest first')
    .action(async (given: string | undefined, flags: ListFlags) => {
      await runCommand(shell, { name: 'mobile script list', flags }, async (session) => {
        const service = await needService(session, given, LIST)
        const client = await session.client()
        if (flags.versions !== undefined) {
          const versions = await client.scripts.listVersions(service, flags.versions)
          return { json: versions, lines: versionLines(versions) }
        }
        const scripts = await client.scripts.list(service)
        const none = [`No scripts yet. Upload one: ${UPLOAD.replace('SERVICE', service)}`]
        return { json: scripts, lines: scripts.length === 0 ? none : scriptLines(scripts) }
      })
    })
}

function addDownload(script: Command, shell: Shell): void {
  addCommand(script, {
    usage: 'download [service] [script]',
    about: 'download a script, one of its versions, or all scripts',
    examples: [
      DOWNLOAD,
      `${DOWNLOAD} --script-version 3 --file old.js`,
      'mainstay mobile script download SERVICE --all -o DIR',
    ],
  })
    .option(
      '-f, --file <file>',
      'where to write it (default: ./NAME.js, as ./table/TABLE.OPERATION.js; ./shared/NAME.json)',
    )
    .option('--override', 'replace files that have another text')
    .option('--all', 'all scripts in force, into a folder')
    .option('-o, --output <folder>', 'the folder for --all')
    .option('--script-version <number>', 'this version instead of the one in force')
    .action(async (givenService: string | undefined, givenScript: string | undefined, flags: DownloadFlags) => {
      await runCommand(shell, { name: 'mobile script download', flags }, async (session) => {
        const service = await needService(session, givenService, DOWNLOAD)
        return flags.all
          ? await downloadAll(session, service, flags)
          : await downloadOne(session, service, givenScript, flags)
      })
    })
}

async function downloadAll(session: Session, service: string, flags: DownloadFlags): Promise<Result> {
  if (flags.output === undefined) {
    throw new Fault('usage.bad_option', 400, '--all needs a folder', { hint: 'Add -o DIR.' })
  }
  const client = await session.client()
  const files: string[] = []
  for (const { name } of await client.scripts.list(service)) {
    const path = scriptPath(flags.output, name)
    await writeScriptFile(path, (await client.scripts.read(service, name)).text, {
      isOverwritten: flags.override === true,
    })
    files.push(path)
  }
  session.talk.info(`Saved ${files.length} script(s) to ${flags.output}`)
  return { json: { files }, lines: files }
}

async function downloadOne(
  session: Session,
  service: string,
  given: string | undefined,
  flags: DownloadFlags,
): Promise<Result> {
  const name = await needScript(session, given, DOWNLOAD)
  const version =
    flags.scriptVersion === undefined
      ? undefined
      : wholeNumber('--script-version', flags.scriptVersion, { min: 1, max: VERSION_MAX })
  const found = await (await session.client()).scripts.read(service, name, version)
  const path = flags.file ?? scriptPath('.', found.name)
  await writeScriptFile(path, found.text, { isOverwritten: flags.override === true })
  session.talk.info(`Saved script to ${path}`)
  const { version: saved, hash } = found
  return { json: { file: path, name: found.name, version: saved, hash } }
}

function addUpload(script: Command, shell: Shell): void {
  addCommand(script, {
    usage: 'upload [service] [script]',
    about: 'upload a script; the version that it replaces is kept',
    examples: [
      UPLOAD,
      `${UPLOAD} --file insert.js`,
      'mainstay mobile script upload SERVICE shared/mail',
      UPLOAD_PACKAGE,
    ],
  })
    .option(
      '-f, --file <file>',
      'where to read it (default: ./NAME.js, as ./table/TABLE.OPERATION.js; ./shared/NAME.json)',
    )
    .action(async (givenService: string | undefined, givenScript: string | undefined, flags: UploadFlags) => {
      await runCommand(shell, { name: 'mobile script upload', flags }, async (session) => {
        const service = await needService(session, givenService, UPLOAD)
        const name = (await needScript(session, givenScript, UPLOAD)).replace(/\.js$/, '')
        const path = flags.file ?? scriptPath('.', name)
        const text = await readScriptFile(path)
        const { scripts } = await session.client()
        if (name === PACKAGE_FILE) {
          session.talk.progress('Installing npm modules')
          const lock = await readLockBeside(path)
          if (lock !== null) session.talk.info(`With the ${LOCK_FILE} beside it`)
          const written = await scripts.uploadPackage(service, text, lock)
          tellWritten(session, service, written)
          tellInstalled(session, written.packages ?? [])
          return { json: written }
        }
        session.talk.progress('Uploading script')
        const written = await scripts.upload(service, name, text)
        tellWritten(session, service, written)
        return { json: written }
      })
    })
}

function tellInstalled({ talk }: Session, packages: NpmPackage[]): void {
  talk.info(`${packages.length} package(s) are installed: mainstay mobile script modules SERVICE lists them`)
  const silent = packages.filter(({ hasInstallScript }) => hasInstallScript === true)
  if (silent.length === 0) return
  const names = silent.map(({ name }) => name).join(', ')
  talk.warn(`Scripts that packages bring along for their installation do not run here: ${names}`)
}

function addModules(script: Command, shell: Shell): void {
  addCommand(script, {
    usage: 'modules [service]',
    about: 'list the npm modules that are installed for the scripts of a service',
    examples: [MODULES],
  }).action(async (given: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile script modules', flags }, async (session) => {
      const service = await needService(session, given, MODULES)
      const found = await (await session.client()).scripts.npmModules(service)
      const none = [`No npm modules. Name them in a package.json: ${UPLOAD_PACKAGE.replace('SERVICE', service)}`]
      return { json: found, lines: found.hash === null ? none : packageLines(found.packages) }
    })
  })
}

function packageLines(packages: NpmPackage[]): string[] {
  const rows = packages.map(({ name, version, hasInstallScript }) => {
    return [name, version, hasInstallScript ? 'its install script did not run' : '']
  })
  return tableLines(['Package', 'Version', 'Note'], rows)
}

function addDelete(script: Command, shell: Shell): void {
  addCommand(script, {
    usage: 'delete [service] [script]',
    about: 'take a script out of force; its versions are kept',
    examples: [DELETE],
  }).action(async (givenService: string | undefined, givenScript: string | undefined, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile script delete', flags }, async (session) => {
      const service = await needService(session, givenService, DELETE)
      const name = await needScript(session, givenScript, DELETE)
      const written = await (await session.client()).scripts.delete(service, name)
      session.talk.info(`Deleted script ${written.name}; its versions are kept`)
      return { json: written }
    })
  })
}

function tellWritten(session: Session, service: string, written: ScriptWrittenView): void {
  const { talk } = session
  if (written.version === null) talk.info(`${written.name} has this text already; nothing was changed`)
  else talk.info(`${written.name} is version ${written.version} now`)
  if (!written.isRunning) talk.warn(`It is stored; '${service}' runs it when its home can be reached again.`)
}

async function needScript(session: Session, given: string | undefined, usage: string): Promise<string> {
  return await needText(session, given, {
    prompt: 'Script name: ',
    what: 'the name of the script',
    insteadSay: `Name the script: ${usage}`,
  })
}

function scriptLines(scripts: ScriptView[]): string[] {
  const rows = scripts.map((one) => [
    one.name,
    String(one.version),
    String(one.bytes),
    one.createdAt,
    one.principal,
    one.hash.slice(0, 12),
  ])
  return tableLines(['Name', 'Version', 'Bytes', 'Written', 'By', 'SHA-256'], rows)
}

function versionLines(versions: ScriptVersionView[]): string[] {
  const rows = versions.map((one) => [
    String(one.version),
    one.bytes === null ? 'deleted' : String(one.bytes),
    one.createdAt,
    one.principal,
    one.hash?.slice(0, 12) ?? '',
  ])
  return tableLines(['Version', 'Bytes', 'Written', 'By', 'SHA-256'], rows)
}
