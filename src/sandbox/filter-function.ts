// A filter that a script gives as a function: it is read, not run, and becomes a condition of the query language.
import { createRequire } from 'node:module'
import type { AnyNode, Expression, Function as FunctionNode, Node, Super } from 'acorn'

/** Values of the function's parameters, as the query language writes them; a list is for `in`. */
export type FilterValue = string | string[]
export type FilterOutcome = { text: string } | { problem: string }

type Acorn = typeof import('acorn')
type Values = Map<string, FilterValue>
type Argument = Expression | { type: 'SpreadElement' }

class NotAFilter extends Error {}

const BINARY: Record<string, string> = {
  '==': 'eq',
  '===': 'eq',
  '!=': 'ne',
  '!==': 'ne',
  '<': 'lt',
  '<=': 'le',
  '>': 'gt',
  '>=': 'ge',
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
}
const MATH: Record<string, string> = { floor: 'floor', ceil: 'ceiling', round: 'round' }
// Methods with a function of the same meaning, by how many parameters they have here.
const PLAIN_METHODS: Record<string, [string, number]> = {
  toLowerCase: ['tolower', 0],
  toUpperCase: ['toupper', 0],
  toLocaleLowerCase: ['tolower', 0],
  toLocaleUpperCase: ['toupper', 0],
  trim: ['trim', 0],
  indexOf: ['indexof', 1],
  concat: ['concat', 1],
  startsWith: ['startswith', 1],
  endsWith: ['endswith', 1],
  replace: ['replace', 2],
  substr: ['substring', 2],
}
const DATE_METHODS: Record<string, string> = {
  Date: 'day',
  FullYear: 'year',
  Hours: 'hour',
  Minutes: 'minute',
  Seconds: 'second',
}
const TEXT_FUNCTIONS = /^(?:'|(?:tolower|toupper|trim|concat|replace|substring)\()/
const NOT_SINGLE = 'The function of a filter must be one return statement.'

// Loaded when a script first needs it.
let acorn: Acorn | null = null

/** The condition that a function's text states over the columns of `this`. */
export function filterOfFunction(source: string, values: FilterValue[]): FilterOutcome {
  try {
    acorn ??= createRequire(import.meta.url)('acorn') as Acorn
    const expression = acorn.parseExpressionAt(`(${source})`, 0, { ecmaVersion: 'latest' })
    return { text: textOf(bodyOf(expression), valuesOf(expression, values)) }
  } catch (error) {
    const isOurs = error instanceof NotAFilter || error instanceof SyntaxError
    return { problem: isOurs ? error.message : `The filter cannot be read: ${String(error)}` }
  }
}

function bodyOf(expression: Expression): Expression {
  const { body } = functionOf(expression)
  if (body.type !== 'BlockStatement') return body
  const [only, ...others] = body.body.filter(({ type }) => type !== 'EmptyStatement')
  if (only?.type !== 'ReturnStatement' || !only.argument || others.length > 0) throw new NotAFilter(NOT_SINGLE)
  return only.argument
}

function valuesOf(expression: Expression, values: FilterValue[]): Values {
  const { params } = functionOf(expression)
  const names = params.map((param) => {
    if (param.type !== 'Identifier') throw new NotAFilter('The parameters of a filter are plain names.')
    return param.name
  })
  if (names.length > values.length) {
    throw new NotAFilter(`The filter has ${names.length} parameter(s), and ${values.length} value(s) were given.`)
  }
  return new Map(names.map((name, index) => [name, values[index] ?? 'null']))
}

function functionOf(expression: Expression): FunctionNode {
  const isFunction = expression.type === 'FunctionExpression' || expression.type === 'ArrowFunctionExpression'
  if (!isFunction) throw new NotAFilter('A filter is a function.')
  return expression
}

function textOf(node: AnyNode, values: Values): string {
  switch (node.type) {
    case 'ParenthesizedExpression':
      return textOf(node.expression, values)
    case 'Literal':
      return literalOf(node.value)
    case 'TemplateLiteral':
      if (node.expressions.length > 0) throw unknown(node)
      return literalOf(node.quasis[0]?.value.cooked)
    case 'Identifier':
      return parameterOf(node.name, values)
    case 'UnaryExpression':
      if (node.operator === '!') return `(not ${textOf(node.argument, values)})`
      if (node.operator === '-') return `(-${textOf(node.argument, values)})`
      throw unknown(node)
    case 'LogicalExpression': {
      const word = { '&&': 'and', '||': 'or', '??': null }[node.operator]
      if (word === null) throw unknown(node)
      return `(${textOf(node.left, values)} ${word} ${textOf(node.right, values)})`
    }
    case 'BinaryExpression':
      return binaryOf(node, values)
    case 'MemberExpression':
      return memberOf(node, values)
    case 'CallExpression':
      return callOf(node, values)
    default:
      throw unknown(node)
  }
}

function binaryOf(node: Extract<AnyNode, { type: 'BinaryExpression' }>, values: Values): string {
  if (node.left.type === 'PrivateIdentifier') throw unknown(node)
  const left = textOf(node.left, values)
  if (node.operator === 'in') return isOneOf(left, node.right, values)
  const right = textOf(node.right, values)
  // Texts are joined, all else is added.
  const isJoined = node.operator === '+' && [left, right].some((text) => TEXT_FUNCTIONS.test(text))
  if (isJoined) return `concat(${left},${right})`
  const word = BINARY[node.operator]
  if (word === undefined) throw unknown(node)
  return `(${left} ${word} ${right})`
}

function isOneOf(subject: string, node: Expression, values: Values): string {
  const list = listOf(node, values)
  return list.length === 0 ? 'false' : `(${list.map((value) => `${subject} eq ${value}`).join(' or ')})`
}

function listOf(node: Node | Expression, values: Values): string[] {
  const one = node as AnyNode
  if (one.type === 'ArrayExpression') {
    return one.elements.map((element) => textOf(present(element), values))
  }
  const value = one.type === 'Identifier' ? values.get(one.name) : undefined
  if (!Array.isArray(value)) throw new NotAFilter('A filter looks in lists only that are given as further values.')
  return value
}

function memberOf(node: Extract<AnyNode, { type: 'MemberExpression' }>, values: Values): string {
  const name = nameOf(node)
  if (node.object.type === 'ThisExpression') {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new NotAFilter(`'${name}' is no name of a column.`)
    return name
  }
  if (name === 'length') return `length(${textOf(asExpression(node.object), values)})`
  throw unknown(node)
}

function callOf(node: Extract<AnyNode, { type: 'CallExpression' }>, values: Values): string {
  const { callee } = node
  if (callee.type !== 'MemberExpression') throw unknown(node)
  const method = nameOf(callee)
  const object = asExpression(callee.object)
  const args = node.arguments.map((argument) => present(argument))
  if (object.type === 'Identifier' && object.name === 'Math') {
    const name = MATH[method]
    if (name === undefined || args.length !== 1) throw unknown(node)
    return `${name}(${textOf(present(args[0]), values)})`
  }
  if (method === 'includes' && args.length === 1) return includes(object, present(args[0]), values)
  const subject = textOf(object, values)
  const texts = args.map((argument) => textOf(argument, values))
  const date = dateCallOf(method, subject)
  if (date !== null && texts.length === 0) return date
  if (method === 'substring' || method === 'slice') return substringOf(subject, texts)
  const [name, count] = PLAIN_METHODS[method] ?? [null, 0]
  const isShort = method === 'substr' && texts.length === 1
  if (name === null || (texts.length !== count && !isShort)) {
    throw new NotAFilter(`'${method}' is no function of a filter, or has other parameters there.`)
  }
  return `${name}(${[subject, ...texts].join(',')})`
}

function includes(object: Expression, wanted: Expression, values: Values): string {
  const isList = object.type === 'ArrayExpression' || (object.type === 'Identifier' && isListName(object.name, values))
  if (isList) return isOneOf(textOf(wanted, values), object, values)
  return `substringof(${textOf(wanted, values)},${textOf(object, values)})`
}

function isListName(name: string, values: Values): boolean {
  return Array.isArray(values.get(name))
}

function substringOf(subject: string, [start, end, ...rest]: string[]): string {
  if (start === undefined || rest.length > 0) throw new NotAFilter('substring() has one or two parameters.')
  return end === undefined ? `substring(${subject},${start})` : `substring(${subject},${start},${end} sub ${start})`
}

// Months begin at 0 in JavaScript, and years of `getYear` at 1900.
function dateCallOf(method: string, subject: string): string | null {
  const part = /^get(?:UTC)?([A-Z]\w*)$/.exec(method)?.[1] ?? ''
  if (part === 'Month') return `(month(${subject}) sub 1)`
  if (part === 'Year') return `(year(${subject}) sub 1900)`
  const name = DATE_METHODS[part]
  return name === undefined ? null : `${name}(${subject})`
}

function parameterOf(name: string, values: Values): string {
  if (name === 'undefined') return 'null'
  const value = values.get(name)
  if (typeof value === 'string') return value
  if (Array.isArray(value)) throw new NotAFilter(`'${name}' is a list, in which a filter can only look.`)
  throw new NotAFilter(`'${name}' is not known in a filter: give its value to where(), behind the function.`)
}

function literalOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`
  if (typeof value === 'boolean' || typeof value === 'number') return String(value)
  throw new NotAFilter('A filter compares with strings, numbers, booleans and null.')
}

function nameOf({ computed, property }: Extract<AnyNode, { type: 'MemberExpression' }>): string {
  if (!computed && property.type === 'Identifier') return property.name
  if (computed && property.type === 'Literal' && typeof property.value === 'string') return property.value
  throw unknown(property)
}

function asExpression(node: Expression | Super): Expression {
  if (node.type === 'Super') throw unknown(node)
  return node
}

function present(node: Argument | null | undefined): Expression {
  if (!node || node.type === 'SpreadElement') throw new NotAFilter('Lists in a filter have plain members.')
  return node as Expression
}

function unknown({ type }: { type: string }): NotAFilter {
  return new NotAFilter(`A filter can not have this in it: ${type}.`)
}
