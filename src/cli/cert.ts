// `mobile cert list|add|delete`: certificates that a mobile service may show for its domains.
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { AddCertificate, CertificateView } from '../contract/api.ts'
import { Fault, messageOf } from '../kit/fault.ts'
import { CERTIFICATE_FILE_BYTES_MAX } from '../kit/limits.ts'
import { isSure, needService, needText } from './asking.ts'
import { tableLines } from './columns.ts'
import { addCommand, runCommand, type Session, type Shell } from './command.ts'
import type { CommonFlags } from './config.ts'
import { needThumbprint } from './domain.ts'

type Text = string | undefined
type AddFlags = CommonFlags & { key?: string; passwordFile?: string }

const LIST = 'mainstay mobile cert list SERVICE'
const ADD = 'mainstay mobile cert add SERVICE FILE.pfx'
const ADD_PEM = 'mainstay mobile cert add SERVICE fullchain.pem --key privkey.pem'
const DELETE = 'mainstay mobile cert delete SERVICE THUMBPRINT'

/** Adds the three commands. */
export function addCert(group: Command, shell: Shell): void {
  addCommand(group, {
    usage: 'list [service]',
    about: 'list the certificates of a mobile service',
    examples: [LIST],
  }).action(async (given: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile cert list', flags }, async (session) => {
      const service = await needService(session, given, LIST)
      const certificates = await (await session.client()).domains.listCertificates(service)
      if (certificates.length > 0) return { json: certificates, lines: linesOf(certificates) }
      session.talk.info(`No certificates yet. Add one: ${session.talk.asTyped(ADD)}`)
      return { json: certificates }
    })
  })
  addCommand(group, {
    usage: 'add [service] [file] [password]',
    about: 'add a certificate with its private key: a .pfx file, or PEM with --key',
    examples: [ADD, ADD_PEM],
  })
    .option('--key <file>', 'the private key, where the certificate is PEM')
    .option('--password-file <file>', 'the password, in a file, rather than in the list of processes')
    .action(async (given: Text, file: Text, password: Text, flags: AddFlags) => {
      await runCommand(shell, { name: 'mobile cert add', flags }, async (session) => {
        const service = await needService(session, given, ADD)
        const question = { prompt: 'Certificate file: ', what: 'the file', insteadSay: `Name it: ${ADD}` }
        const path = await needText(session, file, question)
        const request = await readRequest(session, path, { ...flags, password })
        const added = await (await session.client()).domains.addCertificate(service, request)
        session.talk.info(`Certificate ${added.thumbprint} was added`)
        return { json: added, lines: linesOf([added]) }
      })
    })
  addCommand(group, {
    usage: 'delete [service] [thumbprint]',
    about: 'delete a certificate that no domain shows',
    examples: [`${DELETE} --quiet`],
  }).action(async (given: Text, print: Text, flags: CommonFlags) => {
    await runCommand(shell, { name: 'mobile cert delete', flags }, async (session) => {
      const service = await needService(session, given, DELETE)
      const thumbprint = await needThumbprint(session, print, DELETE)
      const prompt = `Do you want to delete the certificate ${thumbprint}? (y/n): `
      if (
        !(await isSure(session, { prompt, insteadSay: `Add --quiet to do it without a question: ${DELETE} --quiet` }))
      )
        return { json: { deleted: false } }
      await (await session.client()).domains.deleteCertificate(service, thumbprint)
      session.talk.info(`Deleted certificate ${thumbprint}`)
      return { json: { deleted: true, thumbprint } }
    })
  })
}

async function readRequest(
  session: Session,
  path: string,
  given: AddFlags & { password: Text },
): Promise<AddCertificate> {
  const file = await read(path)
  const isPfx = path.toLowerCase().endsWith('.pfx') || path.toLowerCase().endsWith('.p12')
  if (!isPfx && given.key === undefined) {
    throw new Fault('usage.bad_option', 400, `${path} is no .pfx file`, {
      hint: `Give one that ends in .pfx, or PEM with its private key: ${ADD_PEM}`,
    })
  }
  if (!isPfx) {
    const key = String(await read(given.key ?? ''))
    const password = await passwordOf(session, given, key.includes('ENCRYPTED'))
    return { chain: String(file), key, ...(password === undefined ? {} : { password }) }
  }
  const password = await passwordOf(session, given, true)
  return { pfx: file.toString('base64'), ...(password === undefined ? {} : { password }) }
}

async function passwordOf(
  session: Session,
  { password, passwordFile, quiet }: AddFlags & { password: Text },
  isNeeded: boolean,
): Promise<Text> {
  if (password !== undefined) return password
  if (passwordFile !== undefined) return String(await read(passwordFile)).replace(/\r?\n$/, '')
  if (!isNeeded || quiet) return undefined
  return await session.answers.askSecret({
    prompt: 'Certificate password: ',
    insteadSay: `Name a file that holds it: ${ADD} --password-file FILE; or --quiet where there is none`,
  })
}

async function read(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((error) => {
    throw new Fault('file.failed', 400, `cannot read ${path}: ${messageOf(error)}`)
  })
  if (bytes.byteLength <= CERTIFICATE_FILE_BYTES_MAX) return bytes
  throw new Fault('certificate.bad_file', 400, `${path} has ${bytes.byteLength} bytes: that is no certificate`, {
    hint: `A certificate with its key has at most ${CERTIFICATE_FILE_BYTES_MAX}.`,
  })
}

function linesOf(certificates: CertificateView[]): string[] {
  const rows = certificates.map(({ thumbprint, subjectName, issuer, hostNames, expirationDate, domains }) => [
    ...[thumbprint, subjectName, issuer, hostNames.join(', '), expirationDate, domains.join(', ')],
  ])
  return tableLines(['Thumbprint', 'Subject name', 'Issuer', 'Host names', 'Expires', 'Shown for'], rows)
}
