// `control key export`: the key that opens the secrets of the control database, for keeping off this machine.
import { join } from 'node:path'
import type { Command } from 'commander'
import {
  CONTROL_KEY_FILE,
  decodeControlKey,
  EXPORTED_SUFFIX,
  encodeControlKey,
  keyFingerprint,
} from '../contract/control-key.ts'
import { Fault } from '../kit/fault.ts'
import { readTextIfAny, writeFileDurably } from '../kit/files.ts'
import { addCommand, runCommand, type Shell } from './command.ts'
import { type CommonFlags, homeOf } from './config.ts'

type Flags = CommonFlags & { output?: string; keyFile?: string; passphraseFile?: string }

const ADVICE = [
  'Keep it off this machine, and not beside the archives: who has both can read every key and password of this cloud.',
  'Without it no archive can be restored and no second control process started.',
]

/** Adds the command. */
export function addControlKeyExport(key: Command, shell: Shell): void {
  addCommand(key, {
    usage: 'export',
    about: 'print the control key, once, to be kept off this machine',
    examples: [
      'mainstay control key export -o /media/usb/mainstay.key',
      'mainstay control key export --home /var/lib/mainstay-control --passphrase-file phrase.txt',
    ],
  })
    .option('-o, --output <file>', 'write it to a file that only you can read, instead of printing it')
    .option('--key-file <file>', 'the key file (default: control.key in the home folder)')
    .option('--passphrase-file <file>', 'lock the exported key with the passphrase in this file')
    .action(async (flags: Flags) => {
      await runCommand(shell, { name: 'control key export', flags }, async () => {
        const { word, fingerprint, source } = await exportKey(flags, flags.keyFile ?? homeOf(flags, shell.env))
        const text = `${ADVICE.map((line) => `# ${line}\n`).join('')}${word}\n`
        if (flags.output !== undefined) await writeNew(flags.output, text)
        // Only after it was handed over: `status` stops reminding of it.
        await writeFileDurably(source + EXPORTED_SUFFIX, `${new Date().toISOString()} ${fingerprint}\n`)
        const where = flags.output === undefined ? { key: word } : { file: flags.output }
        const shown = flags.output === undefined ? word : `Written to ${flags.output}`
        return {
          json: { ...where, fingerprint, isLocked: flags.passphraseFile !== undefined },
          lines: [shown, ...ADVICE],
        }
      })
    })
}

async function exportKey(flags: Flags, place: string): Promise<{ word: string; fingerprint: string; source: string }> {
  const source = flags.keyFile ?? join(place, CONTROL_KEY_FILE)
  const kept = await readTextIfAny(source)
  if (kept === null) {
    throw new Fault('control.no_key_here', 404, `there is no control key at ${source}`, {
      hint: 'Run this where control runs, with its --home or --key-file.',
    })
  }
  const passphrase = flags.passphraseFile === undefined ? null : await readPassphrase(flags.passphraseFile)
  const key = decodeControlKey(kept, passphrase)
  return { word: encodeControlKey(key, passphrase), fingerprint: keyFingerprint(key), source }
}

/** The passphrase in a file. Faults with `usage.bad_option` when there is none worth the name. */
export async function readPassphrase(file: string): Promise<string> {
  const text = (await readTextIfAny(file))?.trim() ?? ''
  if (text.length >= 12) return text
  throw new Fault('usage.bad_option', 400, `${file} holds no passphrase of at least 12 characters`, {
    hint: 'Put one line of four or more random words into it.',
  })
}

// An exported key that lies there already may be the only copy of another cloud's.
async function writeNew(path: string, text: string): Promise<void> {
  if ((await readTextIfAny(path)) !== null) {
    throw new Fault('control.key_file_exists', 409, `${path} is there already`, { hint: 'Choose another file.' })
  }
  await writeFileDurably(path, text)
}
