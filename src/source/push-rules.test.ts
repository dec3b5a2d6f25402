// What a push may do to branches and tags: a table.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMove, planPush } from './push-rules.ts'

const [A, B, NONE] = ['a'.repeat(40), 'b'.repeat(40), '0'.repeat(40)]
const refs = new Map([
  ['refs/heads/master', A],
  ['refs/heads/feature', A],
  ['refs/tags/v1', A],
])

const CASES: { is: string; lines: string[]; deploys: string | null; says: RegExp[] }[] = [
  { is: 'going on', lines: [`${A} ${B} refs/heads/master`], deploys: 'master', says: [] },
  { is: 'the other of the two', lines: [`${NONE} ${B} refs/heads/main`], deploys: 'main', says: [] },
  { is: 'a branch of its own', lines: [`${NONE} ${B} refs/heads/other`], deploys: null, says: [] },
  { is: 'a branch that goes', lines: [`${A} ${NONE} refs/heads/feature`], deploys: null, says: [] },
  { is: 'a tag that goes', lines: [`${A} ${NONE} refs/tags/v1`], deploys: null, says: [] },
  { is: 'what runs goes', lines: [`${A} ${NONE} refs/heads/master`], deploys: null, says: [/cannot be deleted/] },
  { is: 'a tag that moves', lines: [`${A} ${B} refs/tags/v1`], deploys: null, says: [/tags stay/] },
  { is: 'from elsewhere', lines: [`${B} ${A} refs/heads/master`], deploys: 'master', says: [/has moved meanwhile/] },
  { is: 'neither branch nor tag', lines: [`${NONE} ${B} refs/notes/x`], deploys: null, says: [/neither a branch/] },
  {
    is: 'a branch twice',
    lines: [`${NONE} ${B} refs/heads/x`, `${NONE} ${A} refs/heads/x`],
    deploys: null,
    says: [/named twice/],
  },
  {
    is: 'a branch in a branch',
    lines: [`${NONE} ${B} refs/heads/feature/x`],
    deploys: null,
    says: [/lies in feature/],
  },
  {
    is: 'a branch in one that goes at once',
    lines: [`${A} ${NONE} refs/heads/feature`, `${NONE} ${B} refs/heads/feature/x`],
    deploys: null,
    says: [/feature\/x lies in feature/],
  },
  {
    is: 'a branch around another, both new',
    lines: [`${NONE} ${B} refs/heads/a/b/c`, `${NONE} ${B} refs/heads/a`],
    deploys: null,
    says: [/a\/b\/c lies in a,/],
  },
  { is: 'a branch in one that may run', lines: [`${NONE} ${B} refs/heads/main/x`], deploys: null, says: [/in main/] },
  { is: 'a branch beside, by its name', lines: [`${NONE} ${B} refs/heads/features/x`], deploys: null, says: [] },
  { is: 'a tag in what is a branch', lines: [`${NONE} ${B} refs/tags/feature/x`], deploys: null, says: [] },
  {
    is: 'both of the two, which differ',
    lines: [`${A} ${B} refs/heads/master`, `${NONE} ${A} refs/heads/main`],
    deploys: 'master',
    says: [/cannot be deployed at once/],
  },
  {
    is: 'both of the two, which are one',
    lines: [`${A} ${B} refs/heads/master`, `${NONE} ${B} refs/heads/main`],
    deploys: 'master',
    says: [],
  },
]

for (const { is, lines, deploys, says } of CASES) {
  test(is, () => {
    const plan = planPush(lines.map(parseMove), { refs, branch: 'master' })
    assert.equal(plan.deploying?.branch ?? null, deploys)
    assert.equal(plan.problems.length, says.length, plan.problems.join('\n'))
    for (const [at, pattern] of says.entries()) assert.match(plan.problems[at] ?? '', pattern)
  })
}

const BAD_NAMES = [
  ...['../../x', 'a..b', '.a', 'a/.b', 'a.lock', 'a.lock/b', 'a.', '-a', 'a/', '/a', 'a//b', 'a@{b', 'a b', 'a\tb'],
  ...['a\u0001', 'a\u007f', 'a~1', 'a^', 'a:b', 'a?', 'a*', 'a[b', 'a\\b', 'a\ufffd', 'a'.repeat(201), 'ä'.repeat(101)],
]
const GOOD_NAMES = ['a', 'a/b', 'a.b', 'a-', 'a.locked', 'ä'.repeat(100), 'a@b', '@', 'v1.0.0', "it's", '{a}']

for (const name of [...BAD_NAMES, ...GOOD_NAMES]) {
  const isBad = BAD_NAMES.includes(name)
  test(`${JSON.stringify(name)} is ${isBad ? 'no' : 'a'} name`, () => {
    for (const kind of ['heads', 'tags']) {
      const { problems } = planPush([parseMove(`${NONE} ${B} refs/${kind}/${name}`)], { refs, branch: 'master' })
      assert.deepEqual(problems.length, isBad ? 1 : 0, problems.join())
      if (isBad) assert.match(problems.join(), /cannot be the name of a branch or tag/)
    }
  })
}

test('what has a bad name can go', () => {
  const old = new Map([['refs/heads/-a', A]])
  const { problems } = planPush([parseMove(`${A} ${NONE} refs/heads/-a`)], { refs: old, branch: 'master' })
  assert.deepEqual(problems, [])
})

test('there is an end to branches', () => {
  const many = new Map(Array.from({ length: 1_000 }, (_, at) => [`refs/heads/b${at}`, A]))
  const { problems } = planPush([parseMove(`${NONE} ${B} refs/heads/one-more`)], { refs: many, branch: 'master' })
  assert.match(problems.join(), /more than 1000 branches/)
})
