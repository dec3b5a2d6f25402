import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureText } from './sign-in-failure.ts'

const CASES: [hash: string, says: RegExp | null][] = [
  ['', null],
  ['#elsewhere', null],
  ['#sign-in-failed=account.oidc_unknown', /not invited here/],
  ['#sign-in-failed=account.oidc_away', /cannot be asked/],
  ['#sign-in-failed=Send your password to eve@example.com', /^The sign-in has failed\. Begin again\.$/],
  ['#sign-in-failed=constructor', /^The sign-in has failed/],
]
for (const [hash, says] of CASES) {
  test(`'${hash}' in the address says ${says === null ? 'nothing' : says.source}`, () => {
    const text = failureText(hash)
    if (says === null) assert.equal(text, null)
    else assert.match(text ?? '', says)
  })
}
