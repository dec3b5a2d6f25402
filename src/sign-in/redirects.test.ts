import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOGIN_REDIRECT } from '../contract/auth-provider.ts'
import { allowedRedirect } from './redirects.ts'

const ALLOWED = ['https://app.example.com/done', 'myapp://easyauth.callback', 'com.example.app:/signed-in']
const SID = 'ms-app://S-1-15-2-11/'

for (const { to, is, sid } of [
  { to: 'https://app.example.com/done', is: true },
  { to: 'https://app.example.com/done/here?x=1', is: true },
  { to: 'https://app.example.com/done-not', is: false },
  { to: 'https://app.example.com/', is: false },
  { to: 'https://app.example.com.evil.example/done', is: false },
  { to: 'https://app.example.com@evil.example/done', is: false },
  { to: 'https://app.example.com/done/../other', is: false },
  { to: 'https://app.example.com:444/done', is: false },
  { to: 'http://app.example.com/done', is: false },
  { to: 'myapp://easyauth.callback', is: true },
  { to: 'myapp://easyauth.callback/', is: true },
  { to: 'myapp://other', is: false },
  { to: 'com.example.app:/signed-in', is: true },
  { to: 'com.example.app:/other', is: false },
  { to: 'ms-app://s-1-15-2-11/', is: true, sid: SID },
  { to: 'ms-app://s-1-15-2-12/', is: false, sid: SID },
  { to: 'ms-app://s-1-15-2-11/', is: false },
  { to: 'javascript:alert(1)', is: false },
  { to: '/done', is: false },
  { to: 'https:app.example.com/done', is: false },
  { to: 'https://app.example.com/done#', is: false },
  { to: 'https://app.example.com/done#token=x', is: false },
  { to: '', is: false },
]) {
  test(`${to || 'nothing'} ${is ? 'may' : 'may not'} be handed a result`, () => {
    assert.equal(allowedRedirect(to, ALLOWED, sid) !== null, is)
  })
}

test('it is written so that a header can carry it', () => {
  const written = allowedRedirect('https://app.example.com/done/€', ALLOWED, undefined)
  assert.equal(written, 'https://app.example.com/done/%E2%82%AC')
})

for (const { entry, is } of [
  { entry: 'https://app.example.com', is: true },
  { entry: 'myapp://done', is: true },
  { entry: 'http://localhost:3000/', is: true },
  { entry: 'http://app.example.com/', is: false },
  { entry: 'javascript:alert(1)', is: false },
  { entry: 'https://app.example.com/#here', is: false },
  { entry: 'nonsense', is: false },
]) {
  test(`${entry} ${is ? 'can' : 'can not'} be an entry`, () => {
    assert.equal(new RegExp(LOGIN_REDIRECT).test(entry), is)
  })
}
