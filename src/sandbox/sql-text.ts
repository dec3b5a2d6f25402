// SQL as scripts of the original wrote it, made into what PostgreSQL reads: statements apart, `?` for values, names in
// brackets, names in any case, and a few words of T-SQL. All else is PostgreSQL's own SQL and stays as it is.

/** One statement; it takes the next `parameters` of the values. */
export type SqlStatement = { text: string; parameters: number }
/** `known`: names of tables and columns by their lower case. `schemaNames`: what stands for `schema` before a table. */
export type SqlNames = { known: ReadonlyMap<string, string>; schema: string; schemaNames: string[] }

const TOKENS = {
  space: /--[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/|\s+/y,
  text: /[eE]'(?:[^'\\]|\\[\s\S]|'')*'|[nN]?'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$/y,
  quoted: /"(?:[^"]|"")*"/y,
  bracketed: /\[[A-Za-z_][^\]\n]*\]/y,
  word: /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y,
  number: /\d+(?:\.\d+)?/y,
  mark: /\?/y,
  end: /;/y,
}
type Token = { kind: keyof typeof TOKENS | 'other'; text: string }

const FUNCTIONS = new Map(Object.entries({ len: 'length', isnull: 'coalesce', datalength: 'octet_length' }))
const VALUES = new Map(
  Object.entries({
    getdate: 'clock_timestamp()',
    getutcdate: 'clock_timestamp()',
    sysutcdatetime: 'clock_timestamp()',
    sysdatetimeoffset: 'clock_timestamp()',
    newid: 'upper(gen_random_uuid()::text)',
  }),
)
/** A name with a parenthesis behind it is a table's, and no function's, after one of these. */
const BEFORE_TABLE = new Set(['into', 'table', 'on', 'references', 'exists'])
/** What a name without quotes can never mean. */
const KEYWORDS = new Set(
  (
    'all and any as asc between by case cast check column constraint create cross default delete desc distinct drop else ' +
    'end except exists false for foreign from full group having in index inner insert intersect into is join key left ' +
    'like limit natural not null offset on or order outer primary references returning right select set table then to ' +
    'true union unique update using values when where with'
  ).split(' '),
)

/** The statements of a text, ready for PostgreSQL. */
export function sqlStatements(text: string, names: SqlNames): SqlStatement[] {
  return statementsOf(tokensOf(text))
    .filter((tokens) => tokens.some(({ kind }) => kind !== 'space'))
    .map((tokens) => rendered(withLimit(withValues(tokens)), names))
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < text.length; at += tokens.at(-1)?.text.length ?? 1)
    tokens.push(tokenAt(text, at, tokens.at(-1)))
  return tokens
}

function tokenAt(text: string, at: number, before: Token | undefined): Token {
  for (const [kind, pattern] of Object.entries(TOKENS) as [keyof typeof TOKENS, RegExp][]) {
    // A bracket right behind a name or a closing one is the subscript of an array.
    if (kind === 'bracketed' && before && (before.kind === 'word' || /[\])"]$/.test(before.text))) continue
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found) return { kind, text: found }
  }
  return { kind: 'other', text: text.charAt(at) }
}

function statementsOf(tokens: Token[]): Token[][] {
  const statements: Token[][] = [[]]
  for (const token of tokens) {
    if (token.kind === 'end') statements.push([])
    else statements.at(-1)?.push(token)
  }
  return statements
}

// `select top 10 …` is `select … limit 10`.
function withLimit(tokens: Token[]): Token[] {
  const [select, top, ...rest] = tokens.flatMap((token, at) => (token.kind === 'space' ? [] : [{ ...token, at }]))
  if (select?.text.toLowerCase() !== 'select' || top?.text.toLowerCase() !== 'top') return tokens
  const isOpen = rest[0]?.text === '('
  const [number, last] = isOpen ? [rest[1], rest[2]] : [rest[0], rest[0]]
  if (number?.kind !== 'number' || last === undefined || (isOpen && last.text !== ')')) return tokens
  const limit: Token = { kind: 'other', text: `\nlimit ${number.text}` }
  return [...tokens.slice(0, top.at), ...tokens.slice(last.at + 1), limit]
}

// `getdate()` and the like, as one token of what they are here.
function withValues(tokens: Token[]): Token[] {
  const solid = solidPlaces(tokens)
  const skipped = new Set<number>()
  return tokens.flatMap((token, at) => {
    if (skipped.has(at)) return []
    const value = token.kind === 'word' ? VALUES.get(token.text.toLowerCase()) : undefined
    const [open, close] = value === undefined ? [] : [solid.after(at), solid.after(solid.after(at))]
    if (value === undefined || tokens[open ?? -1]?.text !== '(' || tokens[close ?? -1]?.text !== ')') return [token]
    for (let place = at + 1; place <= (close ?? at); place += 1) skipped.add(place)
    return [{ kind: 'other' as const, text: value }]
  })
}

/** Where the tokens before and behind a place are that are no space; -1: there is none. */
function solidPlaces(tokens: Token[]): { before: (at: number) => number; after: (at: number) => number } {
  const before: number[] = []
  const after: number[] = []
  let last = -1
  for (const [at, { kind }] of tokens.entries()) {
    before.push(last)
    if (kind !== 'space') last = at
  }
  last = -1
  for (const [at, { kind }] of [...tokens.entries()].toReversed()) {
    after[at] = last
    if (kind !== 'space') last = at
  }
  return { before: (at) => before[at] ?? -1, after: (at) => after[at] ?? -1 }
}

function rendered(tokens: Token[], { known, schema, schemaNames }: SqlNames): SqlStatement {
  let parameters = 0
  const isSchema = (name: string) => schemaNames.some((one) => one.toLowerCase() === name.toLowerCase())
  const solid = solidPlaces(tokens)
  const after = (index: number) => tokens[solid.after(index)]?.text
  const before = (index: number) => tokens[solid.before(index)]?.text.toLowerCase() ?? ''
  const parts = tokens.map((token, index): string => {
    const name = token.kind === 'bracketed' ? token.text.slice(1, -1) : token.text
    const lower = name.toLowerCase()
    const exact = known.get(lower)
    if (token.kind === 'mark') {
      parameters += 1
      return `$${parameters}`
    }
    if (token.kind !== 'bracketed' && token.kind !== 'word') return token.text
    if (after(index) === '.' && isSchema(name)) return quoted(schema)
    if (token.kind === 'bracketed') return quoted(exact ?? name)
    const isTable = exact !== undefined && BEFORE_TABLE.has(before(index))
    if (after(index) === '(' && !isTable) return FUNCTIONS.get(lower) ?? token.text
    return exact === undefined || exact === lower || KEYWORDS.has(lower) ? token.text : quoted(exact)
  })
  return { text: parts.join('').trim(), parameters }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
