// The small pages that hand a result to an app's page, each only to the page of the origin that was allowed.
import { randomBytes } from 'node:crypto'

/** What an app's page is told; `oauth` or `error`. */
export type LoginResult = { oauth: unknown; error: string | null }
export type PageAnswer = { body: string; headers: Record<string, string> }

/** Ends a sign-in in a window of its own: tells the page that opened it. */
export function messagePage(result: LoginResult, origin: string): PageAnswer {
  return page(
    'Signing in',
    `var message = ${literal(JSON.stringify({ type: 'LoginCompleted', ...result }))};
if (window.opener) window.opener.postMessage(message, ${literal(origin)});`,
    {},
  )
}

/** The same where a window may not tell its opener: by a frame of ours in the opener's page. */
export function framePage(result: LoginResult): PageAnswer {
  return page(
    'Signing in',
    `var receiver = window.opener && window.opener.frames['zumo-login-receiver'];
if (receiver) receiver.transferLoginResult(${literal(JSON.stringify({ type: 'LoginCompleted', ...result }))});`,
    {},
  )
}

/** The frame in an app's page that takes such a result and tells its parent. */
export function receiverPage(origin: string): PageAnswer {
  return page(
    'Signing in',
    `window.transferLoginResult = function (message) { window.parent.postMessage(message, ${literal(origin)}); };`,
    { ancestors: origin },
  )
}

/** A frame through which a page of a browser without CORS sends its requests. */
export function bridgePage(origin: string): PageAnswer {
  return page(
    'Bridge',
    // In the language of the browsers that need it.
    `var allowed = ${literal(origin)};
var own = location.protocol + '//' + location.host + '/';
function receive(event) {
  if (event.origin !== allowed) return;
  var envelope, wanted, name;
  try { envelope = JSON.parse(event.data); } catch (error) { return; }
  wanted = envelope && envelope.contents;
  if (!wanted || typeof wanted.url !== 'string' || wanted.url.indexOf(own) !== 0) return;
  var source = event.source;
  var request = new XMLHttpRequest();
  request.onreadystatechange = function () {
    if (request.readyState !== 4) return;
    var contents = { status: request.status, statusText: request.statusText, responseText: request.responseText };
    source.postMessage(JSON.stringify({ messageId: envelope.messageId, contents: contents }), allowed);
  };
  request.open(String(wanted.type || 'GET'), wanted.url, true);
  for (name in wanted.headers || {}) request.setRequestHeader(name, wanted.headers[name]);
  request.send(wanted.data === undefined ? null : wanted.data);
}
if (window.addEventListener) window.addEventListener('message', receive, false);
else window.attachEvent('onmessage', receive);`,
    { ancestors: origin, connects: true },
  )
}

function page(title: string, script: string, { ancestors = "'none'", connects = false }): PageAnswer {
  const nonce = randomBytes(16).toString('base64')
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    ...(connects ? ["connect-src 'self'"] : []),
    `frame-ancestors ${ancestors}`,
    "base-uri 'none'",
  ].join('; ')
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
<body><script nonce="${nonce}">
${script}
</script></body></html>
`
  return {
    body,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    },
  }
}

// A string of JavaScript that ends neither itself nor the element it stands in.
function literal(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/gu,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
