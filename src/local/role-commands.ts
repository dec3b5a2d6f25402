// The command lines of the roles: the same that a person would type on separate machines.

export type CommandFacts = {
  home: string
  gatewayHome: string
  tokenFile: string
  port: number
  controlPort: number
  machinePort: number
  tls: LocalTls | null
  /** As its option says it; undefined: as control does by itself. */
  managementPort?: string | undefined
}

/** The gateway's port for HTTPS, and the files of its own certificate; null: one that we make ourselves. */
export type LocalTls = { port: number; files: { cert: string; key: string } | null; isSelfSigned?: boolean }

const LOOPBACK = '127.0.0.1'

/** Control, with a failure domain of its own. */
export function controlCommand(facts: CommandFacts): string[] {
  return [
    'control',
    ...['--home', facts.home, '--port', String(facts.controlPort), '--machine-port', String(facts.machinePort)],
    ...['--address', LOOPBACK, '--domain', 'control', '--gateway-url', `http://localhost:${facts.port}`],
    ...['--token-file', facts.tokenFile, '--vault', `${facts.home}/vault`],
    ...(facts.managementPort === undefined ? [] : ['--management-port', facts.managementPort]),
  ]
}

/** The one gateway. */
export function gatewayCommand(facts: CommandFacts): string[] {
  return [
    'gateway',
    ...['--home', facts.gatewayHome, '--control', machineUrl(facts), '--domain', 'edge'],
    ...['--address', LOOPBACK, '--port', String(facts.port)],
    ...(facts.tls ? ['--tls-port', String(facts.tls.port)] : []),
    ...(facts.tls?.files ? ['--tls-cert', facts.tls.files.cert, '--tls-key', facts.tls.files.key] : []),
  ]
}

/** The host of a region. */
export function hostCommand(facts: CommandFacts, host: { home: string; region: string }): string[] {
  return ['host', '--home', host.home, '--region', host.region, '--control', machineUrl(facts), '--address', LOOPBACK]
}

function machineUrl(facts: CommandFacts): string {
  return `https://${LOOPBACK}:${facts.machinePort}`
}
