// `doctor`: whether this machine can run a local cloud.
import type { Command } from 'commander'
import { examine } from '../local/doctor.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import { type CommonFlags, homeOf, portOf } from './config.ts'
import { EXIT_DONE, EXIT_FAILED } from './exit-code.ts'

type Flags = CommonFlags & { port?: string; controlPort?: string }

/** Adds the command. */
export function addDoctor(program: Command, shell: Shell): void {
  addCommand(program, {
    usage: 'doctor',
    about: 'check Node, PostgreSQL, ports, ICU, namespaces, disk, clock and home folder',
    examples: ['mainstay doctor'],
  })
    .option('--port <number>', 'port of the gateway (MAINSTAY_PORT, default 8080)')
    .option('--control-port <number>', 'port of control and portal (MAINSTAY_CONTROL_PORT, default 8081)')
    .action(async (flags: Flags) => {
      await runCommand(shell, { name: 'doctor', flags }, async ({ env }) => {
        const findings = await examine({
          home: homeOf(flags, env),
          port: portOf('--port', flags.port, env.MAINSTAY_PORT, 8080),
          controlPort: portOf('--control-port', flags.controlPort, env.MAINSTAY_CONTROL_PORT, 8081),
        })
        const lines = findings.flatMap(({ level, name, message, hint }) => [
          `${level.padEnd(4)}  ${name.padEnd(11)}  ${message}`,
          ...(hint === null ? [] : [`      ${''.padEnd(11)}  ${hint}`]),
        ])
        const isIll = findings.some((finding) => finding.level === 'fail')
        return { json: findings, lines, exitCode: isIll ? EXIT_FAILED : EXIT_DONE }
      })
    })
}
