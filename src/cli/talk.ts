// The lines of the console, in the conventions of the original: `info:`, `data:`, `error:`, `+ label`.
import type { Writable } from 'node:stream'
import { type Progress, startProgress } from './progress.ts'

/** Where text goes. `isTerminal` decides between a spinner and a line. */
export type Sink = { stream: Writable; isTerminal: boolean }

export type Streams = { out: Sink; err: Sink; typedAs: string }

/** What may follow our name where a command is meant: commands of the program, and roles that people start. */
export const COMMANDS = [
  ...['account', 'acme', 'audit', 'control', 'demo', 'dev', 'doctor', 'incident', 'join-token', 'login', 'logout'],
  ...['machine', 'mobile', 'notice', 'operation', 'region', 'reset', 'sql', 'status', 'token', 'up'],
  ...['gateway', 'host'],
]

/** Speaks to a person: on stdout, or on stderr when stdout is kept for JSON. */
export class Talk {
  readonly isJson: boolean
  #sink: Sink
  #streams: Streams
  #progress: Progress | null = null

  constructor(streams: Streams, options: { isJson: boolean }) {
    this.#streams = streams
    this.isJson = options.isJson
    this.#sink = options.isJson ? streams.err : streams.out
  }

  get sink(): Sink {
    return this.#sink
  }

  info(text: string): void {
    this.#line(this.#sink, 'info:    ', text)
  }

  /** Rows of what was asked for. */
  data(...rows: string[]): void {
    for (const row of rows) this.#line(this.#sink, 'data:    ', row)
  }

  warn(text: string): void {
    this.#line(this.#streams.err, 'warn:    ', text)
  }

  error(text: string): void {
    this.#line(this.#streams.err, 'error:   ', text)
  }

  /** What to do next after an error. */
  tryThis(hint: string): void {
    this.#line(this.#streams.err, 'Try:     ', this.asTyped(hint))
  }

  /** Shows that something is being done, until the next line or `settle`. */
  progress(label: string): void {
    this.settle()
    if (this.#sink.isTerminal) this.#progress = startProgress(this.#sink.stream, label)
    else this.info(label)
  }

  /** How far it is, behind the label that is shown on a terminal; elsewhere nothing. */
  tellProgress(detail: string): void {
    this.#progress?.tell(detail)
  }

  /** Ends a running spinner: its character becomes `+`. */
  settle(): void {
    this.#progress?.end()
    this.#progress = null
  }

  /** The only thing that `--json` leaves on stdout. */
  json(value: unknown): void {
    this.settle()
    this.#streams.out.stream.write(`${JSON.stringify(value, null, 2)}\n`)
  }

  /** Text as it is, such as a prompt. */
  raw(text: string): void {
    this.settle()
    this.#sink.stream.write(text)
  }

  /** The same text with our commands written as this person has to type them. */
  asTyped(text: string): string {
    const { typedAs } = this.#streams
    return typedAs === 'mainstay'
      ? text
      : text.replace(new RegExp(`(?<!npx )\\bmainstay (?=(?:${COMMANDS.join('|')})\\b)`, 'g'), `${typedAs} `)
  }

  #line(sink: Sink, prefix: string, text: string): void {
    this.settle()
    for (const line of text.split('\n')) sink.stream.write(`${`${prefix}${line}`.trimEnd()}\n`)
  }
}
