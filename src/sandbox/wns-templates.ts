// Templates of toasts and tiles of Windows: how many texts and images each has, and the XML that it becomes.

/** Texts and images of each; for a tile of Windows 8.1 and its name of before. */
const TOASTS: Record<string, [texts: number, images: number]> = {
  ToastText01: [1, 0],
  ToastText02: [2, 0],
  ToastText03: [2, 0],
  ToastText04: [3, 0],
  ToastImageAndText01: [1, 1],
  ToastImageAndText02: [2, 1],
  ToastImageAndText03: [2, 1],
  ToastImageAndText04: [3, 1],
}
const SQUARE_TILES: Record<string, [texts: number, images: number]> = {
  Block: [2, 0],
  Text01: [4, 0],
  Text02: [2, 0],
  Text03: [4, 0],
  Text04: [1, 0],
  Image: [0, 1],
  PeekImageAndText01: [4, 1],
  PeekImageAndText02: [2, 1],
  PeekImageAndText03: [4, 1],
  PeekImageAndText04: [1, 1],
}
const WIDE_TILES: Record<string, [texts: number, images: number]> = {
  Text01: [5, 0],
  Text02: [9, 0],
  Text03: [1, 0],
  Text04: [1, 0],
  Text05: [5, 0],
  Text06: [10, 0],
  Text07: [9, 0],
  Text08: [10, 0],
  Text09: [2, 0],
  Text10: [9, 0],
  Text11: [10, 0],
  BlockAndText01: [6, 0],
  BlockAndText02: [3, 0],
  Image: [0, 1],
  ImageCollection: [0, 5],
  ImageAndText01: [1, 1],
  ImageAndText02: [2, 1],
  SmallImageAndText01: [1, 1],
  SmallImageAndText02: [5, 1],
  SmallImageAndText03: [1, 1],
  SmallImageAndText04: [2, 1],
  SmallImageAndText05: [2, 1],
  PeekImage01: [2, 1],
  PeekImage02: [5, 1],
  PeekImage03: [1, 1],
  PeekImage04: [1, 1],
  PeekImage05: [2, 2],
  PeekImage06: [1, 2],
  PeekImageAndText01: [1, 1],
  PeekImageAndText02: [5, 1],
  PeekImageCollection01: [2, 5],
  PeekImageCollection02: [5, 5],
  PeekImageCollection03: [1, 5],
  PeekImageCollection04: [1, 5],
  PeekImageCollection05: [2, 6],
  PeekImageCollection06: [1, 6],
}

export type WnsTemplate = {
  name: string
  kind: 'toast' | 'tile'
  texts: number
  images: number
  /** Of a tile of Windows 8.1: what an older Windows shows. */
  fallback: string | null
}

/** All of them. */
export const WNS_TEMPLATES: WnsTemplate[] = [
  ...Object.entries(TOASTS).map(([name, [texts, images]]) => template(name, 'toast', texts, images)),
  ...tiles('TileSquare', 'TileSquare150x150', SQUARE_TILES),
  ...tiles('TileWide', 'TileWide310x150', WIDE_TILES),
]

type Values = Record<string, unknown>

/**
 * The XML of a template. `values`: `text1`…, `image1src`, `image1alt`…, `lang`; of a toast `launch`, `duration` and
 * `audio` as well.
 */
export function wnsTemplateXml(name: string, values: Values): string {
  const found = WNS_TEMPLATES.find((one) => one.name === name)
  if (!found) throw new Error(`There is no template '${name}'.`)
  const { kind, fallback } = found
  const lang = values.lang === undefined ? '' : ` lang="${escaped(values.lang)}"`
  const older = fallback === null ? '' : ` fallback="${fallback}"`
  const version = fallback === null ? '' : ' version="2"'
  const binding = `<binding template="${name}"${older}${lang}>${partsOf(found, values)}</binding>`
  const visual = `<visual${version}>${binding}</visual>`
  return kind === 'tile' ? `<tile>${visual}</tile>` : `<toast${toastWords(values)}>${visual}${audioOf(values)}</toast>`
}

/** The XML of a badge: a number, or one of the glyphs of Windows. */
export function wnsBadgeXml(value: unknown): string {
  const given = typeof value === 'object' && value !== null ? (value as Values).value : value
  if (typeof given !== 'number' && typeof given !== 'string')
    throw new Error('A badge is a number or the name of a glyph.')
  return `<badge value="${escaped(given)}"/>`
}

function partsOf({ texts, images }: WnsTemplate, values: Values): string {
  const parts: string[] = []
  for (let at = 1; at <= images; at += 1) {
    const alt = values[`image${at}alt`]
    const more = alt === undefined ? '' : ` alt="${escaped(alt)}"`
    parts.push(`<image id="${at}" src="${escaped(values[`image${at}src`] ?? '')}"${more}/>`)
  }
  for (let at = 1; at <= texts; at += 1) parts.push(`<text id="${at}">${escaped(values[`text${at}`] ?? '')}</text>`)
  return parts.join('')
}

function toastWords({ launch, duration }: Values): string {
  const words = Object.entries({ launch, duration }).filter(([, value]) => value !== undefined)
  return words.map(([name, value]) => ` ${name}="${escaped(value)}"`).join('')
}

function audioOf({ audio }: Values): string {
  if (typeof audio !== 'object' || audio === null) return ''
  const { src, silent, loop } = audio as Values
  const words = Object.entries({ src, silent, loop }).filter(([, value]) => value !== undefined)
  return `<audio${words.map(([name, value]) => ` ${name}="${escaped(value)}"`).join('')}/>`
}

// What XML can not hold is left out.
function escaped(value: unknown): string {
  const held = [...String(value)].filter((character) => character >= ' ' || '\t\n\r'.includes(character)).join('')
  return held.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

function tiles(before: string, since: string, all: Record<string, [number, number]>): WnsTemplate[] {
  return Object.entries(all).flatMap(([name, [texts, images]]) => [
    template(`${before}${name}`, 'tile', texts, images),
    { ...template(`${since}${name}`, 'tile', texts, images), fallback: `${before}${name}` },
  ])
}

function template(name: string, kind: WnsTemplate['kind'], texts: number, images: number): WnsTemplate {
  return { name, kind, texts, images, fallback: null }
}
