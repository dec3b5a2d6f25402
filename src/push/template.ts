// Templates of devices: a text with expressions over the properties of a message, in the language of the original's hub:
//   $(name)  the property        $(name, 20)  its first 20 characters      .(name, 20)  the same, ending in three dots
//   #(name)  as a number         %(name)      encoded for a URI            {'Hello ' + $(name)}  put together
// Names are looked up whatever their case; what is not there is nothing.
import { Fault } from '../kit/fault.ts'

export type TemplateProperties = Record<string, string>
type Escape = (text: string) => string

const REFERENCE = /([$#.%])\(\s*([A-Za-z_][\w.-]*)\s*(?:,\s*(\d{1,5})\s*)?\)/y
const LITERAL = /'([^']*)'|"([^"]*)"/y
/** A string of JSON that is one reference and nothing else. */
const NUMBER = /^\s*#\(\s*([A-Za-z_][\w.-]*)\s*\)\s*$/

/** XML with its expressions filled in. */
export function renderXml(template: string, properties: TemplateProperties): string {
  return render(template, properties, escapeXml)
}

/** Text as it is, with its expressions filled in. */
export function renderText(template: string, properties: TemplateProperties): string {
  return render(template, properties, (text) => text)
}

/** JSON whose strings have their expressions filled in; `#(name)` alone becomes a number. Faults when it is no JSON. */
export function renderJson(template: string, properties: TemplateProperties): unknown {
  return filled(parseJsonTemplate(template), properties)
}

/** The JSON of a template. Faults with `app.bad_request`. */
export function parseJsonTemplate(template: string): unknown {
  try {
    const value = JSON.parse(template) as unknown
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Said below, as for JSON that is no object.
  }
  throw new Fault('app.bad_request', 400, 'The template of this platform has to be a JSON object.')
}

/** Text that can stand in an element or an attribute. What XML cannot hold at all is left out. */
export function escapeXml(text: string): string {
  const held = [...text].filter((character) => character >= ' ' || '\t\n\r'.includes(character)).join('')
  return held.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function filled(value: unknown, properties: TemplateProperties): unknown {
  if (typeof value === 'string') {
    const name = NUMBER.exec(value)?.[1]
    if (name === undefined) return renderText(value, properties)
    const number = Number(lookedUp(properties, name) || 0)
    return Number.isFinite(number) ? number : 0
  }
  if (Array.isArray(value)) return value.map((one) => filled(one, properties))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filled(one, properties)]))
}

function render(template: string, properties: TemplateProperties, escaped: Escape): string {
  let text = ''
  for (let at = 0; at < template.length; ) {
    const found = referenceAt(template, at, properties) ?? joinedAt(template, at, properties)
    text += found ? escaped(found.text) : template[at]
    at = found?.end ?? at + 1
  }
  return text
}

type Found = { text: string; end: number }

function referenceAt(template: string, at: number, properties: TemplateProperties): Found | null {
  REFERENCE.lastIndex = at
  const [, kind, name, length] = REFERENCE.exec(template) ?? []
  if (kind === undefined || name === undefined) return null
  const value = lookedUp(properties, name)
  const end = REFERENCE.lastIndex
  if (kind === '%') return { text: encodeURIComponent(value.toWellFormed()), end }
  if (kind === '#') return { text: String(Number(value) || 0), end }
  if (length === undefined) return { text: value, end }
  return { text: cut(value, Number(length), kind === '.' ? '...' : ''), end }
}

// `{'literal' + $(name) + …}`; any other brace is a brace.
function joinedAt(template: string, at: number, properties: TemplateProperties): Found | null {
  if (template[at] !== '{') return null
  let text = ''
  for (let next = skipSpace(template, at + 1); ; next = skipSpace(template, next + 1)) {
    const part = literalAt(template, next) ?? referenceAt(template, next, properties)
    if (!part) return null
    text += part.text
    next = skipSpace(template, part.end)
    if (template[next] === '}') return { text, end: next + 1 }
    if (template[next] !== '+') return null
  }
}

function literalAt(template: string, at: number): Found | null {
  LITERAL.lastIndex = at
  const found = LITERAL.exec(template)
  return found ? { text: found[1] ?? found[2] ?? '', end: LITERAL.lastIndex } : null
}

function skipSpace(text: string, at: number): number {
  let next = at
  while (text[next] === ' ' || text[next] === '\t') next += 1
  return next
}

// By characters as people count them, more or less: no half of one is left.
function cut(value: string, length: number, end: string): string {
  const characters = [...value]
  if (characters.length <= length) return value
  return characters.slice(0, Math.max(0, length - end.length)).join('') + end.slice(0, length)
}

function lookedUp(properties: TemplateProperties, name: string): string {
  const found = Object.keys(properties).find((one) => one.toLowerCase() === name.toLowerCase())
  return found === undefined ? '' : (properties[found] ?? '')
}
