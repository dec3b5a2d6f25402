// Which scripts can leave nothing behind, told by their text: they have no way to change anything but their own
// variables and their item. That is most of what a small script is; every other is looked after when it has run.
//
// Why it holds: properties are set on the item alone, which each call has anew, and only by plain names. Functions are
// called only by name on `request`, on `console`, on values by names of methods that change nothing, and a few of
// JavaScript's own. There are no functions within functions, no computed names, and none of the names that lead from a
// value to what all values have in common; so nothing of it can be reached that could be changed.
import { createRequire } from 'node:module'
import type { AnyNode, Function as FunctionNode } from 'acorn'

const OPERATIONS = ['insert', 'read', 'update', 'del']
/** Their first argument is an item, and theirs alone. */
const WITH_ITEM = ['insert', 'update']
const ITEM_AT = 0
const REQUEST_AT = 2
const OF_REQUEST = new Set(['execute', 'respond'])
const OF_CONSOLE = new Set(['log', 'info', 'warn', 'error'])
const OF_MATH = new Set(['abs', 'ceil', 'floor', 'max', 'min', 'pow', 'random', 'round', 'sqrt', 'trunc'])
/** Of JavaScript and ours: nothing that is called by these names changes anything. */
const CALLED = new Set(['String', 'Number', 'Boolean', 'parseInt', 'parseFloat', 'isNaN'])
const GLOBALS = new Set([...CALLED, 'undefined', 'NaN', 'Infinity', 'Date', 'Math', 'statusCodes', 'console'])
/** Of strings, numbers and dates. What takes a pattern is not among them: `RegExp` remembers the last one. */
const METHODS = new Set([
  ...[
    'charAt',
    'charCodeAt',
    'concat',
    'endsWith',
    'includes',
    'indexOf',
    'lastIndexOf',
    'padEnd',
    'padStart',
    'slice',
  ],
  ...['startsWith', 'substr', 'substring', 'toLowerCase', 'toUpperCase', 'trim', 'toFixed', 'toISOString', 'getTime'],
])
/** What is called by these is known, since nothing of a script is: it may neither set nor define them. */
const NAMES_CALLED = new Set([...METHODS, ...OF_REQUEST, ...OF_CONSOLE, 'now'])
/** They lead to what others have as well, or are called by JavaScript itself. */
const SHUT_NAMES = [
  ...['constructor', 'prototype', 'call', 'apply', 'bind', 'caller', 'callee', 'arguments', 'eval'],
  ...['then', 'toJSON', 'toString', 'valueOf', 'toLocaleString', 'inspect'],
]
const SHUT = new RegExp(`^(?:__.*__|${SHUT_NAMES.join('|')})$`, 's')

/** True for one of a table that leaves its context as it was. */
export function isTame(text: string): boolean {
  try {
    const { parse } = createRequire(import.meta.url)('acorn') as typeof import('acorn')
    const { body } = parse(text, { ecmaVersion: 'latest', sourceType: 'script' })
    const names = new Names()
    const functions = body.filter((node) => node.type === 'FunctionDeclaration')
    return (
      functions.length === body.length && functions.every((node) => names.declare(node)) && names.areTame(functions)
    )
  } catch {
    // What cannot be read, or not without end.
    return false
  }
}

// No name stands for two things, so that a name is known by itself wherever it stands.
class Names {
  readonly #all = new Set<string>()
  readonly #functions = new Set<string>()
  readonly #variables = new Set<string>()
  readonly #items = new Set<string>()
  readonly #requests = new Set<string>()

  /** False when it is not to be followed. */
  declare(node: FunctionNode): boolean {
    const name = node.id?.name ?? ''
    if (node.async || node.generator || !this.#add(name)) return false
    this.#functions.add(name)
    return node.params.every((param, at) => {
      if (param.type !== 'Identifier' || !this.#add(param.name)) return false
      if (at === ITEM_AT && WITH_ITEM.includes(name)) this.#items.add(param.name)
      if (at === REQUEST_AT && OPERATIONS.includes(name)) this.#requests.add(param.name)
      return true
    })
  }

  areTame(functions: FunctionNode[]): boolean {
    const bodies = functions.map(({ body }) => body as AnyNode)
    return bodies.every((body) => this.#declareIn(body)) && bodies.every((body) => this.#isTame(body))
  }

  #add(name: string): boolean {
    if (this.#all.has(name) || GLOBALS.has(name) || SHUT.test(name)) return false
    this.#all.add(name)
    return true
  }

  #declareIn(node: AnyNode): boolean {
    switch (node.type) {
      case 'BlockStatement':
        return node.body.every((one) => this.#declareIn(one))
      case 'IfStatement':
        return this.#declareIn(node.consequent) && (!node.alternate || this.#declareIn(node.alternate))
      case 'ForStatement':
        return (!node.init || this.#declareIn(node.init)) && this.#declareIn(node.body)
      case 'WhileStatement':
      case 'DoWhileStatement':
        return this.#declareIn(node.body)
      case 'VariableDeclaration':
        return node.declarations.every(({ id }) => {
          if (id.type !== 'Identifier' || !this.#add(id.name)) return false
          this.#variables.add(id.name)
          return true
        })
      default:
        return true
    }
  }

  #isTame(node: AnyNode | null | undefined): boolean {
    if (!node) return true
    switch (node.type) {
      case 'EmptyStatement':
        return true
      case 'BlockStatement':
        return this.#areTame(node.body)
      case 'ExpressionStatement':
        return this.#isTame(node.expression)
      case 'IfStatement':
      case 'ConditionalExpression':
        return this.#areTame([node.test, node.consequent, node.alternate])
      case 'ForStatement':
        return this.#areTame([node.init, node.test, node.update, node.body])
      case 'WhileStatement':
      case 'DoWhileStatement':
        return this.#areTame([node.test, node.body])
      case 'BreakStatement':
      case 'ContinueStatement':
        return true
      case 'ReturnStatement':
      case 'ThrowStatement':
        return this.#isTame(node.argument)
      case 'VariableDeclaration':
        return /^(?:var|let|const)$/.test(node.kind) && this.#areTame(node.declarations.map(({ init }) => init))
      case 'Literal':
        return !('regex' in node && node.regex)
      case 'TemplateLiteral':
        return this.#areTame(node.expressions)
      case 'Identifier':
        // A function of the script is no value: whoever has it could call it with anything.
        if (this.#functions.has(node.name)) return false
        return this.#all.has(node.name) || GLOBALS.has(node.name)
      case 'MemberExpression':
        return nameIn(node) !== null && this.#isTame(node.object as AnyNode)
      case 'ArrayExpression':
        return this.#areTame(node.elements)
      case 'ObjectExpression':
        return node.properties.every((one) => isPlainProperty(one) && this.#isTame(one.value as AnyNode))
      case 'UnaryExpression':
        return /^(?:!|-|\+|typeof|void)$/.test(node.operator) && this.#isTame(node.argument)
      case 'BinaryExpression':
        return /^(?:[-+*/%<>]|[<>]=|[!=]==?)$/.test(node.operator) && this.#areTame([node.left as AnyNode, node.right])
      case 'LogicalExpression':
        return this.#areTame([node.left, node.right])
      case 'AssignmentExpression':
        return this.#mayBeSet(node.left as AnyNode) && this.#isTame(node.right)
      case 'UpdateExpression':
        return this.#mayBeSet(node.argument as AnyNode)
      case 'CallExpression':
        return this.#mayBeCalled(node.callee as AnyNode) && this.#areTame(node.arguments)
      case 'NewExpression':
        return isNamed(node.callee as AnyNode, 'Date') && this.#areTame(node.arguments)
      default:
        // Also what there is not yet.
        return false
    }
  }

  #areTame(nodes: (AnyNode | null | undefined)[]): boolean {
    return nodes.every((node) => this.#isTame(node))
  }

  #mayBeSet(node: AnyNode): boolean {
    if (node.type === 'Identifier') return this.#variables.has(node.name)
    if (node.type !== 'MemberExpression') return false
    const name = nameIn(node)
    if (name === null || NAMES_CALLED.has(name)) return false
    const { object } = node
    return object.type === 'Identifier' && this.#items.has(object.name)
  }

  #mayBeCalled(node: AnyNode): boolean {
    if (node.type === 'Identifier') return CALLED.has(node.name)
    if (node.type !== 'MemberExpression') return false
    const name = nameIn(node)
    const object = node.object as AnyNode
    if (name === null) return false
    if (isNamed(object, 'console')) return OF_CONSOLE.has(name)
    if (isNamed(object, 'Date')) return name === 'now'
    if (isNamed(object, 'Math')) return OF_MATH.has(name)
    if (object.type === 'Identifier' && this.#requests.has(object.name)) return OF_REQUEST.has(name)
    return METHODS.has(name) && this.#isTame(object)
  }
}

function isNamed(node: AnyNode, name: string): boolean {
  return node.type === 'Identifier' && node.name === name
}

// Null where it is computed, or one of those that lead further.
function nameIn(node: Extract<AnyNode, { type: 'MemberExpression' }>): string | null {
  if (node.computed || node.property.type !== 'Identifier' || SHUT.test(node.property.name)) return null
  return node.property.name
}

function isPlainProperty(node: AnyNode): node is Extract<AnyNode, { type: 'Property' }> {
  if (node.type !== 'Property' || node.computed || node.method || node.kind !== 'init') return false
  const name =
    node.key.type === 'Identifier' ? node.key.name : node.key.type === 'Literal' ? String(node.key.value) : ''
  return !SHUT.test(name) && !NAMES_CALLED.has(name)
}
