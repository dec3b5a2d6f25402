// What scripts can fetch: a server on loopback where that is allowed, and nothing of the machine where it is not.
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { DEFAULT_API_PERMISSIONS } from '../../src/contract/permissions.ts'
import type { RuntimeService } from '../../src/contract/runtime-channel.ts'
import { startTestCluster, type TestCluster } from '../support/runtime-cluster.ts'
import { TestRuntime } from '../support/runtime-process.ts'
import { APP, check, routed } from '../support/runtime-scenario.ts'
import { addScripted } from '../support/script-service.ts'

type Case = { is: string; script: string; equals: string; status?: number }

/** `BASE` is where the server is. */
const CASES: Case[] = [
  {
    is: 'a body and headers, there and back',
    script: `const answer = await fetch('BASE/echo?a=1', { method: 'POST', body: JSON.stringify({ b: 2 }), headers: { 'x-own': 'c' } });
      res.json([answer.status, answer.ok, answer.headers.get('x-answer'), await answer.json()]);`,
    equals:
      '[200,true,"yes",{"method":"POST","url":"/echo?a=1","own":"c","type":"text/plain;charset=UTF-8","body":"{\\"b\\":2}"}]',
  },
  {
    is: 'what is packed comes unpacked, bytes stay bytes',
    script: `const answer = await fetch(new URL('BASE/packed'));
      res.json([await answer.text(), answer.headers.get('content-encoding')]);`,
    equals: '["unpacked",null]',
  },
  {
    is: 'a redirect is followed, a POST becomes a GET, and secrets stay where they belong',
    script: `const options = { method: 'POST', body: 'x', headers: { authorization: 'secret' } };
      const here = await fetch('BASE/to?/echo', options);
      const there = await fetch('BASE/to?OTHER/echo', options);
      res.json([here.redirected, (await here.json()).method, (await there.json()).authorization]);`,
    equals: '[true,"GET",null]',
  },
  {
    is: 'a redirect that is not wanted',
    script: `const one = await fetch('BASE/to?/echo', { redirect: 'manual' });
      const two = await fetch('BASE/to?/echo', { redirect: 'error' }).catch((error) => error.cause.message);
      const three = await fetch('BASE/loop').catch((error) => error.cause.message);
      res.json([one.status, one.headers.get('location'), two, three]);`,
    equals: '[302,"/echo","BASE redirects, which was not wanted.","BASE redirects again and again."]',
  },
  {
    is: 'an answer that is too large, one that breaks, and one that nobody gives',
    script: `const tell = (error) => [error instanceof TypeError, error.message, error.cause.message];
      res.json([
        await fetch('BASE/large').catch(tell),
        (await fetch('BASE/broken').catch(tell))[1],
        (await fetch('http://127.0.0.1:1/').catch(tell))[1],
      ]);`,
    equals: '[[false,"fetch failed","BASE answers with more than 8388608 bytes."],"fetch failed","fetch failed"]',
  },
  {
    is: 'what takes too long is given up when the script says so',
    script: `res.json(await fetch('BASE/slow', { signal: AbortSignal.timeout(50) }).catch((error) => error.name));`,
    equals: '"TimeoutError"',
  },
  {
    is: 'other protocols, and what is no URL',
    script: `const tell = (error) => (error.cause || error).message;
      res.json([await fetch('file:///etc/passwd').catch(tell), typeof (await fetch('nonsense').catch(tell))]);`,
    equals: '["Only http: and https: can be fetched, not file:","string"]',
  },
  {
    is: 'a promise that nobody watches ends its own request only',
    script: `fetch('BASE/broken');`,
    status: 500,
    equals: '{"code":500,"error":"Error: Internal Server Error"}',
  },
  {
    is: 'the request of old: JSON, forms, and a function',
    script: `const request = require('request');
      request({ url: 'BASE/echo', qs: { a: 'b c' }, json: true }, function (error, response, body) {
        request.post({ uri: 'BASE/echo', form: { d: 'e f' }, auth: { user: 'u', pass: 'p' } }, function (_error, _response, text) {
          const second = JSON.parse(text);
          res.json([error, response.statusCode, response.headers['x-answer'], body.url, second.body, second.type, second.authorization]);
        });
      });`,
    equals: '[null,200,"yes","/echo?a=b+c","d=e+f","application/x-www-form-urlencoded;charset=UTF-8","Basic dTpw"]',
  },
  {
    is: 'http of Node: a stream there and a stream back, with headers, query and password',
    script: `const http = require('http');
      const { hostname, port } = new URL('BASE');
      const options = { hostname, port, path: '/echo?a=b', method: 'POST', headers: { 'Content-Type': 'text/own' }, auth: 'u:p' };
      const request = http.request(options, (response) => {
        response.setEncoding('utf8');
        let text = '';
        response.on('data', (part) => { text += part });
        response.on('end', () => {
          const told = JSON.parse(text);
          res.json([response.statusCode, response.headers['x-answer'], told.method, told.url, told.type, told.body, told.authorization]);
        });
      });
      request.write('one ');
      request.end('two');`,
    equals: '[200,"yes","POST","/echo?a=b","text/own","one two","Basic dTpw"]',
  },
  {
    is: 'http of Node: get by a URL, redirects are not followed, what fails is an event, and so is giving up',
    script: `const http = require('node:http');
      const tell = (...asked) => new Promise((resolve) => {
        const request = http.get(...asked, (response) => { response.resume(); resolve(response.statusCode); });
        request.on('error', (error) => resolve(error.code || typeof error.message));
        request.on('timeout', () => request.destroy());
      });
      let wrong; try { require('https').get('BASE/echo'); } catch (error) { wrong = error.code; }
      res.json([await tell('BASE/to?/echo'), await tell('http://127.0.0.1:1/'), await tell('BASE/slow', { timeout: 50 }), wrong]);`,
    equals: '[302,"string","ECONNRESET","ERR_INVALID_PROTOCOL"]',
  },
  {
    is: 'http of Node: what the function throws ends the request',
    script: `require('http').get('BASE/echo', () => { throw new Error('on purpose'); });`,
    status: 500,
    equals: '{"code":500,"error":"Error: Internal Server Error"}',
  },
  {
    is: 'the request of old: what fails is told, and what the function throws ends the request',
    script: `require('request').get('http://127.0.0.1:1/', function (error) { throw new Error('told ' + (error instanceof Error)); });`,
    status: 500,
    equals: '{"code":500,"error":"Error: Internal Server Error"}',
  },
]

const REFUSED = [
  'http://127.0.0.1:PORT/',
  'http://localhost:PORT/',
  'http://[::1]:PORT/',
  'http://0.0.0.0:PORT/',
  'http://[::ffff:127.0.0.1]:PORT/',
  'http://2130706433:PORT/',
]

describe('what scripts fetch', () => {
  let postgres: TestCluster
  const runtimes: TestRuntime[] = []
  let service: RuntimeService
  const servers: Server[] = []
  let hits = 0

  before(async () => {
    const ports = [await listen(), await listen()]
    const [here = '', there = ''] = ports.map((port) => `http://127.0.0.1:${port}`)
    base = here
    const filled = (text: string) => text.replaceAll('BASE', here).replaceAll('OTHER', there)
    postgres = await startTestCluster()
    runtimes.push(await TestRuntime.start(postgres.folder, 'open', ['--egress-allow', '127.0.0.0/8']))
    runtimes.push(await TestRuntime.start(postgres.folder, 'closed'))
    const handler = (body: string) => `exports.get = async (req, res) => {\n${filled(body)}\n};`
    const refused = REFUSED.map((url) => url.replace('PORT', String(ports[0])))
    const texts = {
      ...Object.fromEntries(CASES.map(({ script }, index) => [`api/a${index}`, handler(script)])),
      'api/refused': handler(`const tell = (error) => error.cause.message;
        res.json(await Promise.all(${JSON.stringify(refused)}.map((url) => fetch(url).then((a) => a.status, tell))));`),
      'api/early':
        "const early = fetch('BASE/echo').catch((error) => error.message); exports.get = async (q, s) => s.json(await early);",
    }
    const apis = Object.keys(texts).map((name) => ({ name: name.slice(4), permissions: DEFAULT_API_PERMISSIONS }))
    service = await addScripted(postgres, 'todo', texts, { apis })
    for (const runtime of runtimes) {
      runtime.setLeases()
      await runtime.assign([service])
    }
  })
  after(async () => {
    for (const runtime of runtimes) await runtime.stop()
    await postgres?.stop()
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  })

  async function listen(): Promise<number> {
    const server = createServer((request, response) => {
      hits += 1
      const url = request.url ?? ''
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        if (url.startsWith('/to?')) return response.writeHead(302, { location: decodeURIComponent(url.slice(4)) }).end()
        if (url === '/loop') return response.writeHead(302, { location: '/loop' }).end()
        if (url === '/packed') return response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('unpacked'))
        if (url === '/large') return response.end(Buffer.alloc(9_000_000))
        if (url === '/broken') return response.destroy()
        if (url === '/slow') return undefined
        const { 'x-own': own, 'content-type': type, authorization = null } = request.headers
        const body = Buffer.concat(chunks).toString('utf8')
        const about = { method: request.method, url, own, type, body, ...(own === undefined ? { authorization } : {}) }
        return response.writeHead(200, { 'x-answer': 'yes' }).end(JSON.stringify(about))
      })
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  const get = async (index: 0 | 1, name: string) => {
    const runtime = runtimes[index]
    assert.ok(runtime)
    return await runtime.call({ path: `/api/${name}`, headers: routed(service, APP) })
  }
  let base = ''

  for (const [index, { is, equals, status = 200 }] of CASES.entries()) {
    test(is, async () => {
      check({ status, equals: equals.replaceAll('BASE', base) }, await get(0, `a${index}`))
    })
  }

  test('where nothing is allowed, nothing of the machine is reached', async () => {
    const before = hits
    const answer = await get(1, 'refused')
    assert.equal(answer.status, 200, answer.body)
    for (const text of JSON.parse(answer.body) as string[]) assert.match(String(text), /may not be reached from here/)
    assert.equal(hits, before)
  })

  test('a module cannot fetch while it is loaded', async () => {
    check(
      { status: 200, equals: '"fetch works while a request or a job is under way, not while a module is loaded."' },
      await get(0, 'early'),
    )
  })
})
