// Scripts of tables that are small enough to be evaluated here, without a sandbox: their text is read as data, and only
// what stands here and in small-values.ts is ever done. What a text does beyond that, or what fails, is left to the
// sandbox, which runs the script from its beginning: until its end nothing has happened that anybody could see.
//
// Why no text can do harm here: it is never run as code. It has no loops, calls no function of its own, and what it
// spends is counted. It works on strings, numbers, booleans, dates and plain objects; of objects it sees their own
// properties only, so that nothing of the process can be reached from them. Methods are called by name, on strings,
// numbers and dates, with such values.
import { createRequire } from 'node:module'
import type { AnyNode, CallExpression, FunctionDeclaration, MemberExpression } from 'acorn'
import type { ScriptOperation } from '../sandbox/messages.ts'
import { STATUS_CODES } from '../sandbox/status-codes.ts'
import {
  BEYOND,
  isPrimitive,
  isValue,
  lengthOf,
  ownOf,
  SmallCall,
  type SmallEnd,
  type SmallInput,
} from './small-call.ts'
import {
  CONSTANTS,
  compared,
  type Evaluate,
  FUNCTIONS,
  IDENTITY,
  METHODS,
  memberOf,
  numberOf,
  OPERATORS,
  operated,
  primitive,
  RESERVED,
} from './small-values.ts'

/** Evaluates it; null: only a sandbox can tell what comes of it. */
export type SmallScript = (input: SmallInput) => SmallEnd | null

/** True when the function has returned. */
type Perform = (call: SmallCall) => boolean
type Variable = { is: 'variable'; at: number; kind: 'var' | 'let' | 'const' }
/** What a name stands for. */
type Meaning = { is: 'item' | 'id' | 'query' | 'user' | 'request' } | Variable

/** What the function of each is given first. */
const SUBJECTS = { insert: 'item', read: 'query', update: 'item', del: 'id' } as const
/** A longer text is not small. */
const TEXT_LENGTH_MAX = 4_000

/** Reads the function that a script of a table has for an operation; null where that is not small. */
export function readSmallScript(text: string, operation: ScriptOperation): SmallScript | null {
  if (text.length > TEXT_LENGTH_MAX) return null
  try {
    const perform = new Reader(operation).read(functionIn(text, operation))
    return (input) => evaluate(perform, input)
  } catch {
    // Also what is no script at all: the sandbox says what is wrong with it.
    return null
  }
}

function functionIn(text: string, operation: string): FunctionDeclaration {
  const { parse } = createRequire(import.meta.url)('acorn') as typeof import('acorn')
  // As the sandbox runs it.
  const { body } = parse(`"use strict";${text}`, { ecmaVersion: 'latest', sourceType: 'script' })
  const functions = new Map<string, FunctionDeclaration>()
  for (const node of body) {
    if (node.type === 'EmptyStatement' || (node.type === 'ExpressionStatement' && node.directive)) continue
    if (node.type !== 'FunctionDeclaration' || functions.has(node.id.name) || RESERVED.has(node.id.name)) throw BEYOND
    functions.set(node.id.name, node)
  }
  const found = functions.get(operation)
  if (!found || found.async || found.generator) throw BEYOND
  return found
}

function evaluate(perform: Perform, input: SmallInput): SmallEnd | null {
  try {
    const call = new SmallCall(input)
    perform(call)
    return call.end()
  } catch {
    // What fails here fails there as well, and is told there.
    return null
  }
}

/** Makes of the syntax what evaluates it. Throws where there is more in it than is evaluated here. */
class Reader {
  /** Each name stands for one thing, wherever it is: so none hides another. */
  readonly #meanings = new Map<string, Meaning>()
  /** Of those of today: the places of the ones in whose blocks the reader is. */
  readonly #inSight = new Set<number>()
  #variables = 0
  readonly #operation: ScriptOperation

  constructor(operation: ScriptOperation) {
    this.#operation = operation
  }

  read({ params, body }: FunctionDeclaration): Perform {
    const roles = [SUBJECTS[this.#operation], 'user', 'request'] as const
    params.forEach((param, at) => {
      const is = roles[at]
      if (param.type !== 'Identifier' || is === undefined) throw BEYOND
      this.#declare(param.name, { is })
    })
    this.#declareIn(body)
    return this.#statement(body)
  }

  #declare(name: string, meaning: Meaning): void {
    if (this.#meanings.has(name) || RESERVED.has(name)) throw BEYOND
    this.#meanings.set(name, meaning)
  }

  #declareIn(node: AnyNode): void {
    if (node.type === 'BlockStatement') for (const one of node.body) this.#declareIn(one)
    else if (node.type === 'IfStatement') {
      this.#declareIn(node.consequent)
      if (node.alternate) this.#declareIn(node.alternate)
    } else if (node.type === 'VariableDeclaration') {
      const { kind } = node
      if (kind !== 'var' && kind !== 'let' && kind !== 'const') throw BEYOND
      for (const { id } of node.declarations) {
        if (id.type !== 'Identifier') throw BEYOND
        this.#declare(id.name, { is: 'variable', at: this.#variables, kind })
        this.#variables += 1
      }
    }
  }

  // ---- statements

  #statement(node: AnyNode): Perform {
    switch (node.type) {
      case 'EmptyStatement':
        return () => false
      case 'BlockStatement':
        return this.#block(node.body)
      case 'IfStatement': {
        const test = this.#value(node.test)
        const then = this.#statement(node.consequent)
        const otherwise = node.alternate ? this.#statement(node.alternate) : () => false
        return (call) => (test(call) ? then(call) : otherwise(call))
      }
      case 'ReturnStatement': {
        if (!node.argument) return () => true
        if (isRequestCall(node.argument)) return this.#returned(node.argument)
        const value = this.#value(node.argument)
        return (call) => {
          // A promise would be waited for.
          if (!isPrimitive(value(call))) throw BEYOND
          return true
        }
      }
      case 'VariableDeclaration':
        return inOrder(node.declarations.map(({ id, init }) => this.#initial(id, init ?? null)))
      case 'ExpressionStatement':
        return this.#effect(node.expression)
      default:
        throw BEYOND
    }
  }

  // What `respond` gives is nothing; what `execute` gives is waited for, and then the answer is the same.
  #returned(node: AnyNode): Perform {
    const effect = this.#effect(node)
    // Whoever waits for rows is shown them first.
    if (this.#operation === 'read') throw BEYOND
    return (call) => {
      effect(call)
      return true
    }
  }

  #block(body: AnyNode[]): Perform {
    const places = body.flatMap((node) => {
      if (node.type !== 'VariableDeclaration' || node.kind === 'var') return []
      return node.declarations.map(({ id }) => this.#variableOf(id).at)
    })
    for (const at of places) this.#inSight.add(at)
    const perform = inOrder(body.map((one) => this.#statement(one)))
    for (const at of places) this.#inSight.delete(at)
    return perform
  }

  #variableOf(node: AnyNode): Variable {
    const meaning = node.type === 'Identifier' ? this.#meanings.get(node.name) : undefined
    if (meaning?.is !== 'variable') throw BEYOND
    return meaning
  }

  #initial(id: AnyNode, init: AnyNode | null): Perform {
    const { at, kind } = this.#variableOf(id)
    if (!init) {
      return ({ variables }) => {
        if (kind !== 'var') variables[at] = undefined
        return false
      }
    }
    const value = this.#value(init)
    return (call) => {
      call.variables[at] = value(call)
      return false
    }
  }

  #effect(node: AnyNode): Perform {
    if (node.type === 'AssignmentExpression' || node.type === 'UpdateExpression') return this.#assignment(node)
    if (node.type === 'CallExpression' && isMember(node.callee)) {
      const { object, property } = node.callee
      const is = object.type === 'Identifier' ? this.#meanings.get(object.name)?.is : undefined
      if (is === 'request' && property.name === 'execute') return this.#execute(node)
      if (is === 'request' && property.name === 'respond') return this.#respond(node)
      if (is === 'query' && property.name === 'where') return this.#where(node)
    }
    const value = this.#value(node)
    return (call) => {
      value(call)
      return false
    }
  }

  #execute({ arguments: given }: CallExpression): Perform {
    if (given.length > 0) throw BEYOND
    return (call) => {
      call.execute()
      return false
    }
  }

  #where({ arguments: given }: CallExpression): Perform {
    const [values, ...more] = given
    if (values?.type !== 'ObjectExpression' || more.length > 0) throw BEYOND
    const made = this.#made(values)
    return (call) => {
      call.where(made(call) as Record<string, unknown>)
      return false
    }
  }

  #respond({ arguments: given }: CallExpression): Perform {
    if (given.length === 0 || given.length > 2) throw BEYOND
    const values = given.map((one) => this.#answer(one))
    return (call) => {
      call.respond(values.map((value) => value(call)))
      return false
    }
  }

  #assignment(node: Extract<AnyNode, { type: 'AssignmentExpression' | 'UpdateExpression' }>): Perform {
    const target = node.type === 'UpdateExpression' ? node.argument : node.left
    const changed = this.#changed(node, target as AnyNode)
    if (target.type === 'Identifier') {
      const { at, kind } = this.#variableOf(target)
      if (kind === 'const' || (kind === 'let' && !this.#inSight.has(at))) throw BEYOND
      return (call) => {
        const value = changed(call)
        if (kind === 'let' && !call.isDeclared(at)) throw BEYOND
        call.variables[at] = value
        return false
      }
    }
    if (!isMember(target) || target.object.type !== 'Identifier') throw BEYOND
    if (this.#meanings.get(target.object.name)?.is !== 'item') throw BEYOND
    const { name } = target.property
    if (name.startsWith('__')) throw BEYOND
    return (call) => {
      call.setOfItem(name, changed(call))
      return false
    }
  }

  // What is put there.
  #changed(node: Extract<AnyNode, { type: 'AssignmentExpression' | 'UpdateExpression' }>, target: AnyNode): Evaluate {
    if (node.type === 'AssignmentExpression' && node.operator === '=') return this.#value(node.right)
    const before = this.#value(target)
    if (node.type === 'UpdateExpression') {
      const by = node.operator === '++' ? 1 : -1
      return (call) => {
        const value = before(call)
        if (typeof value !== 'number') throw BEYOND
        return value + by
      }
    }
    const operator = OPERATORS.get(node.operator.slice(0, -1))
    if (!operator || !/^[-+*/%]=$/.test(node.operator)) throw BEYOND
    return operated(operator, before, this.#value(node.right))
  }

  // ---- expressions

  /** What may be answered: a value, or an object or a list that is made of such. */
  #answer(node: AnyNode): Evaluate {
    return node.type === 'ObjectExpression' || node.type === 'ArrayExpression' ? this.#made(node) : this.#value(node)
  }

  // Each text in it counts, since one may stand in many places; objects that are there already do not come in at all.
  #made(node: AnyNode): Evaluate {
    if (node.type === 'ObjectExpression') {
      const made = node.properties.map((one): [string, Evaluate] => {
        if (one.type !== 'Property' || one.computed || one.method || one.kind !== 'init') throw BEYOND
        return [keyOf(one.key as AnyNode), this.#made(one.value as AnyNode)]
      })
      return (call) => Object.fromEntries(made.map(([name, value]) => [name, value(call)]))
    }
    if (node.type === 'ArrayExpression') {
      const made = node.elements.map((one) => {
        if (!one) throw BEYOND
        return this.#made(one)
      })
      return (call) => made.map((value) => value(call))
    }
    const value = this.#value(node)
    return (call) => {
      const made = value(call)
      if (!isValue(made)) throw BEYOND
      return call.kept(made)
    }
  }

  #value(node: AnyNode): Evaluate {
    switch (node.type) {
      case 'Literal': {
        const { value } = node
        if (!isPrimitive(value) || typeof value === 'bigint') throw BEYOND
        return () => value
      }
      case 'Identifier':
        return this.#named(node.name)
      case 'TemplateLiteral': {
        const texts = node.quasis.map(({ value }) => value.cooked ?? '')
        const values = node.expressions.map((one) => this.#value(one))
        return (call) => {
          let text = texts[0] ?? ''
          values.forEach((value, at) => {
            text = call.kept(`${text}${primitive(value(call))}${texts[at + 1] ?? ''}`)
          })
          return text
        }
      }
      case 'UnaryExpression':
        return this.#unary(node.operator, this.#value(node.argument))
      case 'BinaryExpression': {
        const [left, right] = [this.#value(node.left as AnyNode), this.#value(node.right)]
        const identity = IDENTITY.get(node.operator)
        if (identity) return compared(identity, left, right)
        const operator = OPERATORS.get(node.operator)
        if (!operator) throw BEYOND
        return operated(operator, left, right)
      }
      case 'LogicalExpression': {
        const [left, right] = [this.#value(node.left), this.#value(node.right)]
        if (node.operator === '&&') return (call) => left(call) && right(call)
        if (node.operator === '||') return (call) => left(call) || right(call)
        return (call) => left(call) ?? right(call)
      }
      case 'ConditionalExpression': {
        const [test, then] = [this.#value(node.test), this.#value(node.consequent)]
        const otherwise = this.#value(node.alternate)
        return (call) => (test(call) ? then(call) : otherwise(call))
      }
      case 'MemberExpression':
        return this.#member(node)
      case 'CallExpression':
        return this.#call(node)
      case 'NewExpression':
        if (node.callee.type !== 'Identifier' || node.callee.name !== 'Date' || node.arguments.length > 0) throw BEYOND
        return () => new Date()
      default:
        // Also what there is not yet.
        throw BEYOND
    }
  }

  #named(name: string): Evaluate {
    if (CONSTANTS.has(name)) {
      const value = CONSTANTS.get(name)
      return () => value
    }
    const meaning = this.#meanings.get(name)
    switch (meaning?.is) {
      case 'item':
        return ({ item }) => item
      case 'id':
        return ({ input }) => input.id
      case 'variable': {
        const { at, kind } = meaning
        if (kind !== 'var' && !this.#inSight.has(at)) throw BEYOND
        return (call) => {
          // One of today is not to be looked at before it is declared.
          if (kind !== 'var' && !call.isDeclared(at)) throw BEYOND
          return call.variables[at]
        }
      }
      default:
        // The request, the query and the user are no values.
        throw BEYOND
    }
  }

  #member(node: MemberExpression): Evaluate {
    if (!isMember(node)) throw BEYOND
    const { object, property } = node
    const { name } = property
    if (object.type === 'Identifier') {
      if (object.name === 'statusCodes') {
        const code = ownOf(STATUS_CODES, name)
        return () => code
      }
      const is = this.#meanings.get(object.name)?.is
      if (is === 'user') {
        if (name === 'level') return ({ input }) => input.user.level
        if (name === 'userId') return ({ input }) => input.user.id ?? undefined
        throw BEYOND
      }
      if (is === 'request') {
        if (name === 'operation') return ({ input }) => input.operation
        if (name === 'parameters') return ({ input }) => input.parameters
        throw BEYOND
      }
    }
    const value = this.#value(object as AnyNode)
    return (call) => memberOf(value(call), name)
  }

  #call({ callee, arguments: given, optional }: CallExpression): Evaluate {
    if (optional) throw BEYOND
    const values = given.map((one) => this.#value(one))
    if (callee.type === 'Identifier') {
      const called = FUNCTIONS.get(callee.name)
      if (!called) throw BEYOND
      return (call) => {
        const args = values.map((value) => primitive(value(call)))
        call.spend(lengthOf(args[0]))
        return call.kept(called(...(args as never[])))
      }
    }
    if (!isMember(callee)) throw BEYOND
    const { name } = callee.property
    if (callee.object.type === 'Identifier' && callee.object.name === 'Date') {
      if (name !== 'now' || given.length > 0) throw BEYOND
      return () => Date.now()
    }
    if (!Object.values(METHODS).some((names) => names.has(name))) throw BEYOND
    const receiver = this.#value(callee.object as AnyNode)
    return (call) => {
      const on = receiver(call)
      const args = values.map((value) => primitive(value(call)))
      const kind = on instanceof Date ? 'date' : typeof on
      if ((kind !== 'string' && kind !== 'number' && kind !== 'date') || !METHODS[kind].has(name)) throw BEYOND
      // To look for a long text in a long one may take as long as both together have pairs of characters.
      call.spend(lengthOf(on) * (1 + lengthOf(args[0]) / 8))
      const method = (on as Record<string, (...given: unknown[]) => unknown>)[name]
      return call.kept(method?.apply(on, args))
    }
  }

  #unary(operator: string, value: Evaluate): Evaluate {
    switch (operator) {
      case '!':
        return (call) => !value(call)
      case '-':
        return (call) => -numberOf(call, value(call))
      case '+':
        return (call) => numberOf(call, value(call))
      case 'typeof':
        return (call) => typeof value(call)
      default:
        throw BEYOND
    }
  }
}

function inOrder(all: Perform[]): Perform {
  return (call) => all.some((one) => one(call))
}

type NamedMember = MemberExpression & { property: { type: 'Identifier'; name: string } }

function isMember(node: AnyNode): node is NamedMember {
  return node.type === 'MemberExpression' && !node.computed && !node.optional && node.property.type === 'Identifier'
}

function isRequestCall(node: AnyNode): boolean {
  return (
    node.type === 'CallExpression' && isMember(node.callee) && /^(?:execute|respond)$/.test(node.callee.property.name)
  )
}

function keyOf(node: AnyNode): string {
  const name = node.type === 'Identifier' ? node.name : node.type === 'Literal' ? node.value : null
  // That one would not be a name.
  if (typeof name !== 'string' || name === '__proto__') throw BEYOND
  return name
}
