// Tests of filter-function: what a function states as a condition, and what it may not have in it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filterOfFunction } from './filter-function.ts'

for (const [source, values, expected] of [
  ['function () { return this.complete === false; }', [], '(complete eq false)'],
  ['function (name) { return this.name == name && this.n != null }', ["'x'"], "((name eq 'x') and (n ne null))"],
  ['function (ids) { return this.id in ids }', [["'a'", "'b'"]], "(id eq 'a' or id eq 'b')"],
  ['function (ids) { return !(this.id in ids) }', [[]], '(not false)'],
  ['function () { return this.a + 1 > 2 * -this.b % 3 }', [], '((a add 1) gt ((2 mul (-b)) mod 3))'],
  ["function f(x) { return this.a + x === 'ab' || this['b'] }", ["'b'"], "((concat(a,'b') eq 'ab') or b)"],
  ['() => this.name.toLowerCase().trim().length >= 3', [], '(length(trim(tolower(name))) ge 3)'],
  ["function () { return this.t.indexOf('O\\'x') < 0 }", [], "(indexof(t,'O''x') lt 0)"],
  [
    'function () { return this.t.substring(1, 3) == this.t.substr(2) }',
    [],
    '(substring(t,1,3 sub 1) eq substring(t,2))',
  ],
  ["function () { return this.t.replace('a', 'b') == `c` }", [], "(replace(t,'a','b') eq 'c')"],
  ['function () { return Math.round(this.n) === Math.ceil(2.5) }', [], '(round(n) eq ceiling(2.5))'],
  [
    'function () { return this.at.getMonth() === 0 && this.at.getUTCFullYear() > 2012 && this.at.getDate() < 5 }',
    [],
    '((((month(at) sub 1) eq 0) and (year(at) gt 2012)) and (day(at) lt 5))',
  ],
  [
    "function () { return this.a.startsWith('x') || ['y'].includes(this.a) || this.a.includes('z') }",
    [],
    "((startswith(a,'x') or (a eq 'y')) or substringof('z',a))",
  ],
  ['function (a) { return this.a > a; }', ['-5'], '(a gt -5)'],
] as const) {
  test(`${source} is ${expected}`, () => {
    assert.deepEqual(
      filterOfFunction(
        source,
        values.map((value) => (typeof value === 'string' ? value : [...value])),
      ),
      { text: expected },
    )
  })
}

for (const [source, problem] of [
  ['function () { return other.a }', /can not have this in it/],
  ['function () { return other }', /'other' is not known in a filter: give its value to where/],
  ['function () { var a = 1; return this.a == a }', /must be one return statement/],
  ['function () { }', /must be one return statement/],
  ['function (a) { return this.a == a }', /has 1 parameter\(s\), and 0 value\(s\)/],
  ['function ({ a }) { return true }', /plain names/],
  ["function () { return this['a b'] }", /is no name of a column/],
  ['function () { return this.a = 1 }', /AssignmentExpression/],
  ['function () { return process.exit() }', /'process' is not known/],
  ['function () { return this.a.padStart(3) }', /'padStart' is no function of a filter/],
  ['function () { return /x/.test(this.a) }', /strings, numbers, booleans and null/],
  ['class { }', /is a function/],
  ['function () { return (', /Unexpected token/],
] as const) {
  test(`${source} is refused`, () => {
    const outcome = filterOfFunction(source, [])
    assert.ok('problem' in outcome)
    assert.match(outcome.problem, problem)
  })
}
