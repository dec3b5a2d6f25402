// Values for fuzzing: what a careless or malicious caller would send, beside what is right.
import fc from 'fast-check'

/** Names of things that are there in a `LoneControl`. */
const KNOWN = [
  'PrimaryService',
  'SecondaryService',
  'TodoItem',
  'text',
  'table/TodoItem.insert',
  'application',
  'West US',
  'east-us',
  'west-us-1',
  'sql-west-us',
  'reserved',
  'shared',
  '1',
]
const NASTY = [
  '',
  ' ',
  '.',
  '..',
  '../../etc/passwd',
  '%',
  '%00',
  '%c0%80',
  '\0',
  'a\0b',
  "'; drop table services; --",
  '"',
  '`$(id)`',
  '\n',
  '\r\nx-header: 1',
  '\u202e\u200b',
  'ＰｒｉｍａｒｙＳｅｒｖｉｃｅ',
  'İ',
  '🦜'.repeat(40),
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  '-1',
  '0',
  '1e309',
  '0x10',
  '9007199254740993',
  '99999999999999999999',
  '--help',
  '-',
  '--',
  'x'.repeat(99),
  'x'.repeat(5_000),
]

export const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...KNOWN) },
  { weight: 4, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }) },
)

export const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(null, true, false, 0, 1, -1, 2, 1.5, 1e300, 2 ** 31, 2 ** 53, [], {}),
  },
)

/** As an argument of a process: no zero byte can be in it, and it is well-formed. */
export const argument: fc.Arbitrary<string> = text.map((word) => word.replaceAll('\0', '').toWellFormed())

/** The seed of this run: given to repeat a failure, else drawn. It is printed with a failure. */
export function seedOf(environment: NodeJS.ProcessEnv): number {
  return Number(environment.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
}
