// A web page that uses a service: one file, which runs as it is where something serves it on localhost.
import type { Target } from './snippets.ts'

/** What has to be typed beside the file, to see it. */
export const SERVE_COMMAND = 'python3 -m http.server 8000'

/** The page: a list of things to do in a table with a column `text`. */
export function webSample({ pathUrl, key, table }: Pick<Target, 'pathUrl' | 'key' | 'table'>): string {
  const rows = `${pathUrl.replace(/\/+$/, '')}/tables/${encodeURIComponent(table)}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>To do</title>
<style>
  :root { color-scheme: light dark }
  body { font: 18px/1.5 system-ui, sans-serif; max-width: 32em; margin: 2em auto; padding: 0 1em }
  form, li { display: flex; gap: .5em; align-items: center; margin: .4em 0 }
  input[name=text], label { flex: 1 }
  input, button { font: inherit }
  ul { padding: 0 }
  .done { text-decoration: line-through; opacity: .6 }
</style>
</head>
<body>
<h1>To do</h1>
<form><input name="text" aria-label="What is to be done" required maxlength="200"><button>Add</button></form>
<p role="status"></p>
<ul></ul>
<script type="module">
const ROWS = ${inScript(rows)}
const KEY = ${inScript(key)}

const [form, status, list] = ['form', 'p', 'ul'].map((name) => document.querySelector(name))

// While the service is moved or recovered it answers 503, with the time after which to ask again.
async function call(method, path = '', body) {
  for (let tries = 1; ; tries += 1) {
    const headers = { 'X-ZUMO-APPLICATION': KEY, ...(body && { 'Content-Type': 'application/json' }) }
    const answer = await fetch(ROWS + path, { method, headers, body: body && JSON.stringify(body) }).catch(() => null)
    if (answer?.ok) return answer.status === 204 ? null : await answer.json()
    const isPassing = answer === null || answer.status === 503
    // What was sent may have been done: only what can be asked twice is asked again.
    if (!isPassing || method === 'POST' || tries === 60) throw new Error((await answer?.json().catch(() => null))?.error ?? 'The service cannot be reached.')
    status.textContent = 'Trying again …'
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}

async function act(work) {
  try {
    await work()
    show(await call('GET', '?$orderby=__createdAt&$top=200'))
  } catch (error) {
    status.textContent = error.message
  }
}

function show(rows) {
  status.textContent = rows.length === 0 ? 'Nothing to do.' : ''
  list.replaceChildren(...rows.map((row) => {
    const item = document.createElement('li')
    const [box, label, remove] = ['input', 'label', 'button'].map((name) => document.createElement(name))
    Object.assign(box, { type: 'checkbox', id: row.id, checked: row.complete === true })
    Object.assign(label, { htmlFor: row.id, textContent: row.text, className: row.complete ? 'done' : '' })
    remove.textContent = 'Delete'
    const path = '/' + encodeURIComponent(row.id)
    box.onchange = () => act(() => call('PATCH', path, { complete: box.checked }))
    remove.onclick = () => act(() => call('DELETE', path))
    item.append(box, label, remove)
    return item
  }))
}

form.onsubmit = (event) => {
  event.preventDefault()
  const text = form.elements.text.value
  form.reset()
  act(() => call('POST', '', { text, complete: false }))
}
act(async () => {})
</script>
</body>
</html>
`
}

// As a literal that ends no script, whatever is in it.
function inScript(text: string): string {
  return JSON.stringify(text).replaceAll('<', '\\u003c')
}
