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

test('there is an end to branches', () => {
  const many = new Map(Array.from({ length: 1_000 }, (_, at) => [`refs/heads/b${at}`, A]))
  const { problems } = planPush([parseMove(`${NONE} ${B} refs/heads/one-more`)], { refs: many, branch: 'master' })
  assert.match(problems.join(), /more than 1000 branches/)
})
