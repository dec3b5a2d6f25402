// `up`: a two-region cloud on this machine, in the foreground.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { formatMs } from '../contract/amounts.ts'
import type { StatusView } from '../contract/api.ts'
import { Fault } from '../kit/fault.ts'
import { slugOf } from '../kit/identifiers.ts'
import { stopOnSignal } from '../kit/processes.ts'
import { parseName } from '../kit/role-options.ts'
import { LocalCloud } from '../local/cloud.ts'
import type { LocalTls } from '../local/role-commands.ts'
import { connectControl } from './cloud-calls.ts'
import { pairLines } from './columns.ts'
import { addCommand, type Result, runCommand, type Session, type Shell } from './command.ts'
import { type CommonFlags, homeOf, listOf, portOf } from './config.ts'
import { EXIT_DONE } from './exit-code.ts'

// As control has it by itself.
const MANAGEMENT_PORT = 8443

type Flags = CommonFlags & {
  port?: string
  controlPort?: string
  tlsPort?: string
  tlsCert?: string
  tlsKey?: string
  managementPort?: string
  regions?: string
}

/** Adds the command. */
export function addUp(program: Command, shell: Shell): void {
  addCommand(program, {
    usage: 'up',
    about: 'start a cloud with two regions on this machine and keep it running until Ctrl-C',
    examples: ['mainstay up', 'mainstay up --home /srv/mainstay --port 9080 --control-port 9081'],
  })
    .option('--port <number>', 'port of the gateway (MAINSTAY_PORT, default 8080)')
    .option('--control-port <number>', 'port of control and portal (MAINSTAY_CONTROL_PORT, default 8081)')
    .option('--tls-port <number>', 'port of the gateway for HTTPS (MAINSTAY_TLS_PORT, default: none)')
    .option(
      '--tls-cert <file>',
      'certificate for names that have none of their own, PEM (MAINSTAY_TLS_CERT; default: self-signed, for localhost)',
    )
    .option('--tls-key <file>', 'its private key, PEM (MAINSTAY_TLS_KEY)')
    .option(
      '--management-port <number>',
      "port for the original's tools, or `none` (MAINSTAY_MANAGEMENT_PORT, default 8443 if it is free)",
    )
    .option('--regions <names>', 'regions, separated by commas (MAINSTAY_REGIONS, default "West US,East US")')
    .action(async (flags: Flags) => {
      await runCommand(shell, { name: 'up', flags }, async (session) => await up(session, flags))
    })
}

async function up(session: Session, flags: Flags): Promise<Result> {
  const { talk, env } = session
  const startedAt = performance.now()
  const tls = tlsOf(flags, env)
  const cloud = new LocalCloud({
    home: homeOf(flags, env),
    port: portOf('--port', flags.port, env.MAINSTAY_PORT, 8080),
    controlPort: portOf('--control-port', flags.controlPort, env.MAINSTAY_CONTROL_PORT, 8081),
    tls,
    managementPort: managementPortOf(flags, env, tls),
    regions: checkRegions(listOf(flags.regions, env.MAINSTAY_REGIONS)),
    env: roleEnvironment(env, homeOf(flags, env)),
    connect: connectControl,
    say: (label) => talk.progress(label),
    onStopRequest: () => process.kill(process.pid, 'SIGTERM'),
  })
  const killNow = () => cloud.killNow()
  process.on('exit', killNow)
  stopOnSignal(async () => {
    talk.progress('Stopping')
    await cloud.stop()
    process.removeListener('exit', killNow)
    if (!talk.isJson) talk.info('up command OK')
    return EXIT_DONE
  })
  try {
    await cloud.start()
  } catch (error) {
    // Being stopped while starting is no failure: whoever stops us ends this process.
    if (cloud.isStopping) return await forever()
    await cloud.stop()
    process.removeListener('exit', killNow)
    throw error
  }
  await tellReady({ session, cloud, tookMs: performance.now() - startedAt })
  return await forever()
}

function tlsOf(flags: Flags, env: NodeJS.ProcessEnv): LocalTls | null {
  const cert = flags.tlsCert || env.MAINSTAY_TLS_CERT || undefined
  const key = flags.tlsKey || env.MAINSTAY_TLS_KEY || undefined
  if ((cert === undefined) !== (key === undefined)) {
    throw new Fault('usage.bad_option', 400, '--tls-cert and --tls-key belong together', {
      hint: 'Give both: --tls-cert FILE --tls-key FILE',
    })
  }
  const files = cert === undefined || key === undefined ? null : { cert: resolve(cert), key: resolve(key) }
  if (!(flags.tlsPort || env.MAINSTAY_TLS_PORT) && files === null) return null
  return { port: portOf('--tls-port', flags.tlsPort, env.MAINSTAY_TLS_PORT, 8443), files }
}

// The usual port is HTTPS's, too: apps come first.
function managementPortOf(flags: Flags, env: NodeJS.ProcessEnv, tls: LocalTls | null): string | undefined {
  const text = flags.managementPort ?? (env.MAINSTAY_MANAGEMENT_PORT || undefined)
  if (text === undefined) return tls?.port === MANAGEMENT_PORT ? 'none' : undefined
  return text === 'none' ? text : String(portOf('--management-port', text, undefined, MANAGEMENT_PORT))
}

// Each becomes a folder, a machine and a server, all named after its slug.
function checkRegions(names: string[] | undefined): string[] | undefined {
  if (names === undefined) return undefined
  const bad = (message: string) =>
    new Fault('usage.bad_option', 400, message, { hint: 'Name them like this: --regions "West US,East US"' })
  if (names.length === 0) throw bad('--regions names no region')
  const slugs = names.map((name) => slugOf(parseName('--regions', name)))
  const twice = names.find((_name, index) => slugs.indexOf(slugs[index] ?? '') < index)
  if (twice !== undefined) throw bad(`--regions names "${twice}" twice`)
  return names
}

async function tellReady(options: { session: Session; cloud: LocalCloud; tookMs: number }): Promise<void> {
  const { session, cloud } = options
  const { talk } = session
  const calls = await cloud.calls()
  const status = await calls.status()
  const endpoint = await calls.toolEndpoint()
  talk.info(`mainstay is ready (${formatMs(options.tookMs)})`)
  const file = cloud.tls?.isSelfSigned ? cloud.tls.files?.cert : undefined
  const outages = cloud.outages.map((outage) => `${outage.region} (${outage.kind})`)
  talk.data(
    ...pairLines([
      ['Apps', `${cloud.gatewayUrl}/`],
      ['Apps by HTTPS', cloud.tls && `https://localhost:${cloud.tls.port}/`],
      ['Certificate', file === undefined ? null : `${file} (self-signed)`],
      ['Portal', `${cloud.controlUrl}/`],
      ["Original's tools", endpoint && `${endpoint}/`],
      ['First sign-in', await cloud.ownerLink()],
      ['Regions', cloud.regions.join(', ')],
      ['State', cloud.home.folder],
      ['Operator token', cloud.home.tokenFile],
      ['Outages that are on', outages.length > 0 ? outages.join(', ') : null],
    ]),
  )
  if (file !== undefined) {
    talk.info('The certificate is self-signed, for localhost: trust that file where your apps run, such as')
    talk.data(`curl --cacert ${file} …`, `NODE_EXTRA_CA_CERTS=${file} node …`, 'or import it as trusted in the browser')
  }
  if (cloud.illServices.length > 0)
    talk.warn(`not well yet: ${cloud.illServices.join(', ')} (mainstay mobile list tells why)`)
  const weak = status.machines.filter(({ sandbox }) => sandbox === 'reduced' || sandbox === 'off')
  for (const { name, sandbox } of weak) talk.warn(`${name} has sandbox: ${sandbox} (mainstay doctor tells why)`)
  talk.info('Type next, in another terminal:')
  talk.data(...nextThree(status, cloud.regions).map((command) => talk.asTyped(command)))
  const { gatewayUrl, controlUrl, regions } = cloud
  const tookMs = Math.round(options.tookMs)
  if (talk.isJson) talk.json({ gatewayUrl, controlUrl, regions, home: cloud.home.folder, tookMs })
}

/** Three commands that get this person further, given what is there. */
export function nextThree(status: Pick<StatusView, 'services'>, regions: string[]): string[] {
  const primary = status.services.find((service) => service.secondaryFor === null)
  const [first = 'West US', second = first] = regions
  if (!primary) {
    return [
      `mainstay mobile create PrimaryService --location "${first}"`,
      `mainstay mobile create SecondaryService --location "${second}" --secondary-for PrimaryService`,
      'mainstay mobile table create PrimaryService TodoItem',
    ]
  }
  const other = regions.find((region) => region !== primary.region) ?? primary.region
  return [
    'mainstay status',
    primary.secondary === null
      ? `mainstay mobile create ${primary.name}-2 --location "${other}" --secondary-for ${primary.name}`
      : `mainstay mobile recover ${primary.name} ${primary.secondary} --dry-run`,
    `mainstay dev traffic ${primary.name}`,
  ]
}

/** What the roles inherit: all but what only the CLI is told. */
// Backups go where no outage of a region reaches, unless another place was named.
function roleEnvironment(env: NodeJS.ProcessEnv, home: string): NodeJS.ProcessEnv {
  const { MAINSTAY_TOKEN: _token, MAINSTAY_CONTROL_URL: _url, MAINSTAY_JOIN_TOKEN: _join, ...others } = env
  return { MAINSTAY_VAULT: resolve(home, 'vault'), ...others }
}

// The signal handler ends the process; the timer keeps it alive until then.
async function forever(): Promise<never> {
  return await new Promise<never>(() => {
    setInterval(() => {}, 2 ** 30)
  })
}
