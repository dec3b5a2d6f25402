// Requests of apps for fuzzing: nearly right ones, and whatever else comes over the wire.
import fc from 'fast-check'
import { text, value } from './nasty.ts'
import { APP, MASTER } from './runtime-scenario.ts'

const COLUMNS = ['id', 'text', 'n', 'b', 'd', 'version', '__version', 'updatedAt', '__updatedAt', 'deleted', 'nope']
const FUNCTIONS = ['length', 'startswith', 'substringof', 'indexof', 'replace', 'substring', 'concat', 'round', 'year']

// Nearly a query: pieces that belong together, in any order.
const literal = fc.oneof(
  text.map((word) => `'${word.replaceAll("'", "''")}'`),
  fc.constantFrom(
    '1',
    '-1',
    '0',
    '1e300',
    '1.5f',
    '99999999999999999999',
    'null',
    'true',
    "datetime'2020-01-01T00:00:00Z'",
  ),
  fc.constantFrom("'AAAAAAAAAAE='", "'[a-'", "'[z-a]'", "'%'", "'2020-01-01'", "''"),
)
const { query } = fc.letrec<{ query: string }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...COLUMNS),
    literal,
    fc
      .tuple(
        tie('query'),
        fc.constantFrom('eq', 'ne', 'gt', 'le', 'and', 'or', 'add', 'div', 'mod', 'mul'),
        tie('query'),
      )
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc
      .tuple(fc.constantFrom(...FUNCTIONS), fc.array(tie('query'), { minLength: 1, maxLength: 3 }))
      .map(([name, args]) => `${name}(${args.join(',')})`),
    tie('query').map((inner) => `not ${inner}`),
    text,
  ),
}))
/** An option of a query. */
export const option = fc.oneof(
  fc.tuple(fc.constant('$filter'), query),
  fc.tuple(
    fc.constant('$orderby'),
    query.map((term) => `${term} desc`),
  ),
  fc.tuple(
    fc.constant('$select'),
    fc.array(fc.constantFrom(...COLUMNS), { maxLength: 4 }).map((names) => names.join(',')),
  ),
  fc.tuple(fc.constantFrom('$top', '$skip'), fc.oneof(fc.constantFrom('0', '10', '1000', '-1', '1001'), text)),
  fc.tuple(fc.constantFrom('$inlinecount', '__systemProperties', '__includeDeleted', 'noScript', 'mine', '$foo'), text),
  fc.constantFrom<[string, string]>(
    ['$inlinecount', 'allpages'],
    ['__includeDeleted', 'true'],
    ['__systemProperties', '*'],
  ),
)
/** A segment of a path, encoded, or nearly. */
export const segment = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'A', 'new') },
  { weight: 2, arbitrary: text.map((word) => encodeURIComponent(word.toWellFormed()).slice(0, 2_000)) },
  { weight: 1, arbitrary: fc.constantFrom('%', '%ZZ', '%C0%80', '%ff', '%00', '%2e%2e', '%2F') },
)
const fields = fc.dictionary(fc.constantFrom(...COLUMNS, 'new', 'ID', 'a b', '__proto__', 'Text'), value, {
  maxKeys: 4,
  noNullPrototype: true,
})
/** What a client sends to a table. */
export const itemBody = fc.oneof(
  { weight: 8, arbitrary: fields.map((one) => JSON.stringify(one)) },
  { weight: 1, arbitrary: fc.jsonValue().map((one) => JSON.stringify(one)) },
  { weight: 2, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '{',
      '\0',
      'null',
      '[',
      '{"id":"\\ud800"}',
      '{"text":"\\u0000"}',
      '{"__proto__":{"id":"x"}}',
    ),
  },
)
/** Who asks, in the words of which generation, on which condition. */
export const clientHeaders = fc
  .record({
    generation: fc.option(fc.constantFrom('2.0.0', '2.0.7', '1.0.0', 'x'), { nil: null }),
    match: fc.option(fc.constantFrom('"AAAAAAAAAAE="', '*', 'x', '"a","b"', '""', '"\\"'), { nil: null, freq: 2 }),
    isMaster: fc.boolean(),
    type: fc.option(fc.constantFrom('application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data', ''), {
      nil: null,
      freq: 6,
    }),
    method: fc.option(fc.constantFrom('PATCH', 'DELETE', 'get', 'NOPE'), { nil: null, freq: 6 }),
  })
  .map(
    ({ generation, match, isMaster, type, method }): Record<string, string> => ({
      ...(isMaster ? MASTER : APP),
      ...(generation === null ? {} : { 'zumo-api-version': generation }),
      ...(match === null ? {} : { 'if-match': match, 'if-none-match': match }),
      ...(type === null ? {} : { 'content-type': type }),
      ...(method === null ? {} : { 'x-http-method-override': method }),
    }),
  )
