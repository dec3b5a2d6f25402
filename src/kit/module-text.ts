// Code with `import` and `export`, made into what runs here: exports become members of `exports`, imports `require`. No
// line moves, so that stacks tell the lines of the file.
import { createRequire } from 'node:module'
import { Script } from 'node:vm'
import type { Program } from 'acorn'

type Acorn = typeof import('acorn')
type Edit = { start: number; end: number; text: string }

let acorn: Acorn | null = null

/** True for what is written as a module, and is none but as a module. */
export function isModuleText(text: string): boolean {
  if (!/^\s*(?:import|export)\b/m.test(text)) return false
  try {
    // Such a word may stand in a comment.
    new Script(`(function () {${text}\n})`)
    return false
  } catch {
    return true
  }
}

/** The same without import and export. Throws a SyntaxError as V8 would. */
export function moduleText(text: string): string {
  acorn ??= createRequire(import.meta.url)('acorn') as Acorn
  const program = acorn.parse(text, { ecmaVersion: 'latest', sourceType: 'module', allowReturnOutsideFunction: true })
  const edits: Edit[] = []
  const exported: string[] = []
  for (const node of program.body) {
    const whole = { start: node.start, end: node.end }
    switch (node.type) {
      case 'ImportDeclaration':
        edits.push({ ...whole, text: imported(node) })
        break
      case 'ExportDefaultDeclaration': {
        const { declaration } = node
        const isNamed = 'id' in declaration && declaration.id !== null && declaration.id !== undefined
        const start = { start: node.start, end: declaration.start }
        edits.push({ ...start, text: isNamed ? '' : 'exports.default = ' })
        if (isNamed && declaration.id) exported.push(`exports.default = ${declaration.id.name}`)
        break
      }
      case 'ExportNamedDeclaration': {
        if (node.source) throw new SyntaxError('A script cannot export from another module: require it.')
        if (node.declaration) {
          edits.push({ start: node.start, end: node.declaration.start, text: '' })
          exported.push(...namesOf(node.declaration).map((name) => `exports.${name} = ${name}`))
        } else {
          edits.push({ ...whole, text: '' })
          exported.push(...node.specifiers.map((one) => `exports[${quoted(one.exported)}] = ${word(one.local)}`))
        }
        break
      }
      case 'ExportAllDeclaration':
        throw new SyntaxError('A script cannot export from another module: require it.')
    }
  }
  const body = edits.reduceRight((rest, { start, end, text: put }) => {
    // What goes keeps its line ends.
    const lines = rest.slice(start, end).replace(/[^\n]/g, '')
    return rest.slice(0, start) + put + lines + rest.slice(end)
  }, text)
  return `${body}\n;${exported.join(';')}`
}

type Import = Extract<Program['body'][number], { type: 'ImportDeclaration' }>
type Name = { type: string; name?: string; value?: unknown }

function imported({ specifiers, source }: Import): string {
  const from = `require(${JSON.stringify(source.value)})`
  if (specifiers.length === 0) return `${from};`
  const parts = specifiers.map((one) => {
    if (one.type === 'ImportNamespaceSpecifier') return `${one.local.name} = ${from}`
    // As Node does with modules of old: what they export is their default.
    if (one.type === 'ImportDefaultSpecifier') return `${one.local.name} = ((m) => m && m.default || m)(${from})`
    return `${one.local.name} = ${from}[${quoted(one.imported)}]`
  })
  return `const ${parts.join(', ')};`
}

function namesOf(declaration: { type: string; id?: unknown; declarations?: unknown }): string[] {
  if (declaration.type !== 'VariableDeclaration') return [word(declaration.id as Name)]
  return (declaration.declarations as { id: Name }[]).map(({ id }) => {
    if (id.type === 'Identifier') return word(id)
    throw new SyntaxError('A script exports one name after the other, not a pattern.')
  })
}

function word({ name, value }: Name): string {
  return String(name ?? value)
}

function quoted(name: Name): string {
  return JSON.stringify(word(name))
}
