// XML as the original's tools read it: names, texts, nothing else.

export const AZURE_NAMESPACE = 'http://schemas.microsoft.com/windowsazure'

/** An element with a text, or with others in it; what is null is left out. */
export function element(name: string, content: string | null | undefined | { inside: string[] }): string {
  if (content === null || content === undefined) return ''
  const inside = typeof content === 'string' ? escaped(content) : content.inside.join('')
  return inside === '' ? `<${name} />` : `<${name}>${inside}</${name}>`
}

/** A whole document. */
export function xmlDocument(name: string, inside: string[]): string {
  const space = `xmlns="${AZURE_NAMESPACE}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"`
  return `<?xml version="1.0" encoding="utf-8"?><${name} ${space}>${inside.join('')}</${name}>`
}

/** The text of the first element of that name, or null. */
export function textOf(xml: string, name: string): string | null {
  const found = xml.match(new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`))?.[1]
  return found === undefined ? null : unescaped(found.trim())
}

function escaped(text: string): string {
  return (
    text
      // No document may hold these at all.
      .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/gu, ' ')
      .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
  )
}

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (all, name: string) => NAMED[name] ?? all)
}
