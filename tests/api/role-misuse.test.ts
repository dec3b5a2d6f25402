// Roles and commands for machines, typed wrongly: exit code 2, what is wrong, what to type instead, never a stack.
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCli, temporaryFolder } from '../support/cli-run.ts'

const CONTROL = '--control https://127.0.0.1:9'
const ROWS: [words: string, says: RegExp][] = [
  ['control --port 70000', /--port takes a port, not '70000'/],
  ['control --address 10.0.0.1:80', /--address takes an address or a host name/],
  ['control --address 0.0.0.0', /does not say where others reach this machine/],
  ['control --api-address 0.0.0.0', /would be served in clear on 0\.0\.0\.0.*\nTry:.*--tls-cert FILE/],
  ['control --tls-cert nothing.pem', /belong together/],
  ['control --tls-cert nothing.pem --tls-key nothing.pem', /cannot use nothing\.pem/],
  ['control --certificate-life forever', /takes a length of time, not 'forever'/],
  ['control --gateway-url apps', /'apps' is not the URL of a gateway/],
  ['control --nonsense', /Unknown option '--nonsense'/],
  ['control extra', /Unexpected argument 'extra'/],
  [`host ${CONTROL}`, /host needs --region NAME and --control URL/],
  ['host --region west --control http://127.0.0.1:8082', /is not the URL of a control/],
  [`host --region --- ${CONTROL}`, /ambiguous|takes a name/],
  [`host --region west ${CONTROL} --port x`, /--port takes a port, not 'x'/],
  [`host --region west ${CONTROL}`, /has not joined yet.*\nTry:.*join-token create --role host --region "west"/],
  [`gateway --domain edge ${CONTROL} --door-port 65536`, /--door-port takes a port/],
  [`gateway --domain edge ${CONTROL} --tls-port x`, /--tls-port takes a port, not 'x'/],
  [`gateway --domain edge ${CONTROL} --tls-port 1 --tls-cert a.pem`, /--tls-cert and --tls-key belong together/],
  [`gateway --domain edge ${CONTROL} --tls-cert a.pem --tls-key a.key`, /needs a port.*\nTry:.*--tls-port 8443/],
  [`gateway --domain edge ${CONTROL} --tls-port 1 --tls-cert a.pem --tls-key a.key`, /cannot be used: ENOENT/],
  [`gateway --domain edge ${CONTROL} --trust-proxy 10.0.0.1`, /'10\.0\.0\.1' is not a network/],
  ['up --tls-cert a.pem', /--tls-cert and --tls-key belong together/],
  ['up --tls-port 0', /'0' is not a port/],
  [`gateway --domain edge ${CONTROL} --advertise 0.0.0.0`, /nobody can reach this machine at 0\.0\.0\.0/],
]
for (const [words, says] of ROWS) {
  test(`mainstay ${words}`, async (context) => {
    const folder = temporaryFolder(context)
    const ran = await runCli(context, [...words.split(' '), '--home', join(folder, 'home')], { cwd: folder })
    assert.equal(ran.code, 2, ran.stderr)
    assert.match(ran.stderr, says)
    assert.match(ran.stderr, /^Try:/m)
    assert.doesNotMatch(ran.stderr, /\n\s+at /)
  })
}

const COMMANDS: [words: string[], says: RegExp][] = [
  [['join-token', 'create'], /--role is missing/],
  [['join-token', 'create', '--role', 'control'], /'control' is no role that joins/],
  [['join-token', 'create', '--role', 'host', '--domain', 'edge'], /a host has a --region and no --domain/],
  [['join-token', 'create', '--machine', 'west-us-1', '--role', 'host'], /--machine says role and place already/],
  [['machine', 'revoke', '-q'], /the machine must be specified/],
  [['login', 'nonsense'], /'nonsense' is not the URL of a control/],
  [['login', 'http://control.example:8081', '-q'], /the token would be sent in clear to control\.example/],
  [['login', 'http://localhost:9', '-q'], /the operator token must be specified/],
]
for (const [words, says] of COMMANDS) {
  test(`mainstay ${words.join(' ')}`, async (context) => {
    const ran = await runCli(context, words, { env: { HOME: temporaryFolder(context) } })
    assert.equal(ran.code, 2, ran.stderr)
    assert.match(ran.stderr, says)
    assert.match(ran.stderr, /^Try:/m)
  })
}

const HOMES: [what: string, home: object, code: number, says: RegExp][] = [
  [
    'made by a later release',
    { format: 2, role: 'host', createdBy: '9.0.0' },
    1,
    /has format 2, made by release 9\.0\.0; this is release .*, which knows format 1\nTry: +Run release 9\.0\.0/,
  ],
  ['of another role', { format: 1, role: 'gateway', createdBy: '0.1.0' }, 2, /is the home of a gateway, not of a host/],
]
for (const [what, file, code, says] of HOMES) {
  test(`a host refuses a home ${what}`, async (context) => {
    const home = join(temporaryFolder(context), 'home')
    await mkdir(home)
    await writeFile(join(home, 'home.json'), JSON.stringify(file))
    const ran = await runCli(context, ['host', '--region', 'west', ...CONTROL.split(' '), '--home', home])
    assert.equal(ran.code, code, ran.stderr)
    assert.match(ran.stderr, says)
  })
}
