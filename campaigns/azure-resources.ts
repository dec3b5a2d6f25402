// What is typed in the proof with the original's command line about all that a service has.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OPENSSL_PFX } from '../tests/support/pfx.ts'

/** A command as it is typed, and what has to be in its output. */
export type Line = { args: string; says: RegExp; fails?: true }

const THUMBPRINT = OPENSSL_PFX.thumbprint

/** The commands about a service and its table TodoItem; the files that they name are written into `folder`. */
export async function resourceLines(folder: string, service: string): Promise<Line[]> {
  const [script, wrong, pfx] = ['script.js', 'wrong.js', 'domain.pfx'].map((name) => join(folder, name))
  await writeFile(String(script), 'exports.get = function (req, res) { res.send(200, {}) }\n')
  await writeFile(String(wrong), 'function (\n')
  await writeFile(String(pfx), OPENSSL_PFX.pfx)
  const lines: [string, RegExp, 'fails'?][] = [
    ['table create SERVICE Orders -p insert=user,read=public', /table create command OK/],
    ['table create SERVICE Orders', /already has a table 'Orders'/, 'fails'],
    ['table list SERVICE', /Orders +2\b/],
    [
      'table update SERVICE Orders -p update=admin --addColumn place=string,price=number --addIndex place -q',
      /Updated permissions[\s\S]*Added column place[\s\S]*Added index/,
    ],
    [
      'table update SERVICE Orders --deleteIndex place --deleteColumn price -q',
      /Deleted index[\s\S]*Deleted column price/,
    ],
    ['table update SERVICE Orders --addColumn price=money -q', /Failed to add column price/, 'fails'],
    ['table show SERVICE Orders', /insert +Not defined +user[\s\S]*update +Not defined +admin[\s\S]*place +string/],
    ['data read SERVICE Orders', /No matching records found/],
    ['data delete SERVICE Orders nothing', /nothing/, 'fails'],
    ['data truncate SERVICE Orders -q', /Deleted 0 rows/],
    ['table delete SERVICE Orders -q', /table delete command OK/],
    ['table show SERVICE Orders', /Table Orders or mobile service \w+ does not exist/, 'fails'],
    ['script upload SERVICE shared/lib -f SCRIPT', /script upload command OK/],
    ['script upload SERVICE table/TodoItem.read -f WRONG', /is no JavaScript in line 1/, 'fails'],
    ['api create SERVICE orders -p get=public', /API was created successfully/],
    ['api update SERVICE orders -p put=admin', /api update command OK/],
    ['script upload SERVICE api/orders -f SCRIPT', /script upload command OK/],
    ['api list SERVICE', /orders +public +admin +application/],
    ['job create SERVICE cleanup -i 20 -u minute', /Job was created in disabled state/],
    ['job update SERVICE cleanup -a enabled', /job update command OK/],
    ['job list SERVICE', /cleanup +scheduler\/cleanup +enabled +20 \[minute\]/],
    ['script list SERVICE', /shared\/lib\.js[\s\S]*scheduler\/cleanup[\s\S]*orders/],
    ['script download SERVICE api/orders -c', /exports\.get = function/],
    ['script delete SERVICE shared/lib', /script delete command OK/],
    ['script delete SERVICE scheduler/cleanup', /script delete command OK/],
    ['api delete SERVICE orders', /api delete command OK/],
    ['config set SERVICE dynamicSchemaEnabled false', /config set command OK/],
    ['config set SERVICE crossDomainWhitelist localhost,a.example.com', /config set command OK/],
    ['config set SERVICE facebookClientId 123', /config set command OK/],
    ['config set SERVICE facebookClientSecret geheim', /config set command OK/],
    [
      'config list SERVICE',
      /dynamicSchemaEnabled +false[\s\S]*facebookClientSecret +geheim[\s\S]*localhost,a\.example\.com/,
    ],
    ['config set SERVICE dynamicSchemaEnabled true', /config set command OK/],
    ['auth facebook delete SERVICE', /auth facebook delete command OK/],
    ['auth microsoftaccount set SERVICE id secret', /auth microsoftaccount set command OK/],
    ['auth microsoftaccount get SERVICE', /Client Id id\n.*Client Secret secret/],
    ['appsetting add SERVICE Key value', /appsetting add command OK/],
    ['appsetting show SERVICE key', /Key: value/],
    ['appsetting delete SERVICE KEY', /appsetting delete command OK/],
    ['push wns set SERVICE secret ms-app://s-1-15-2', /push wns set command OK/],
    ['push wns get SERVICE', /Client Secret \(secret: kept as it is\)\n.*Package SID ms-app/],
    ['push wns delete SERVICE', /push wns delete command OK/],
    ['push gcm set SERVICE AIza', /Server keys of GCM/, 'fails'],
    ['push apns set SERVICE sandbox PFX -p secret', /a key \(\.p8\) is/, 'fails'],
    ['push mpns set SERVICE PFX secret', /MPNS\) was shut down/, 'fails'],
    ['push nh disable SERVICE', /push nh disable command OK/],
    ['push nh get SERVICE', /Enhanced push is disabled/],
    ['push nh enable SERVICE', /push nh enable command OK/],
    ['domain add SERVICE api.example.com', /domain add command OK/],
    ['cert add SERVICE PFX secret', /cert add command OK/],
    [`domain ssl enable SERVICE api.example.com ${THUMBPRINT}`, /domain ssl enable command OK/],
    ['domain ssl show SERVICE api.example.com', /SSL State sniEnabled/],
    [`domain ssl disable SERVICE api.example.com ${THUMBPRINT}`, /domain ssl disable command OK/],
    [`cert delete SERVICE ${THUMBPRINT}`, /cert delete command OK/],
    ['domain delete SERVICE api.example.com', /domain delete command OK/],
    ['preview enable SERVICE Users', /user\.getIdentities/, 'fails'],
    ['log SERVICE -t error', /There are no matching log entries/],
  ]
  const named: Record<string, string> = {
    SERVICE: service,
    SCRIPT: String(script),
    WRONG: String(wrong),
    PFX: String(pfx),
  }
  return lines.map(([args, says, fails]) => ({
    args: `mobile ${args.replaceAll(/\b[A-Z]{3,}\b/g, (word) => named[word] ?? word)}`,
    says,
    ...(fails === undefined ? {} : { fails: true }),
  }))
}
