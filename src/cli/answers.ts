// Asking the person: on a terminal with a prompt, otherwise from the lines of a pipe.
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { ReadStream } from 'node:tty'
import { Fault } from '../kit/fault.ts'
import { PIPED_ANSWER_MS_MAX } from '../kit/limits.ts'
import type { Talk } from './talk.ts'

export type Input = { stream: Readable; isTerminal: boolean }

/** A question: its exact text, and the flag or argument that would have answered it. */
export type Question = { prompt: string; insteadSay: string }

/** Reads answers one line at a time. */
export class Answers {
  #input: Input
  #talk: Talk
  #lines: AsyncIterator<string> | null = null

  constructor(input: Input, talk: Talk) {
    this.#input = input
    this.#talk = talk
  }

  /** One line of answer, trimmed. Faults with `prompt.no_answer` when nobody is there to give it. */
  async ask(question: Question): Promise<string> {
    return this.#input.isTerminal ? await this.#askTerminal(question) : await this.#askPipe(question)
  }

  /** One line that is not shown while it is typed. */
  async askSecret(question: Question): Promise<string> {
    const { stream, isTerminal } = this.#input
    if (!isTerminal || !(stream instanceof ReadStream)) return await this.ask(question)
    this.#talk.settle()
    this.#talk.raw(question.prompt)
    stream.setRawMode(true)
    try {
      return (await readUnseen(stream)).trim()
    } finally {
      stream.setRawMode(false)
      stream.pause()
      this.#talk.raw('\n')
    }
  }

  /** Only a clear yes counts. */
  async confirm(question: Question): Promise<boolean> {
    return isYes(await this.ask(question))
  }

  async #askTerminal(question: Question): Promise<string> {
    this.#talk.settle()
    const output = this.#talk.sink.stream
    // Not readline's own terminal mode, whose escape sequences would change the prompt: the terminal echoes by itself.
    const reader = createInterface({ input: this.#input.stream, output, terminal: false })
    let interrupt = () => {}
    try {
      return await new Promise<string>((resolve, reject) => {
        interrupt = () => reject(interrupted())
        process.once('SIGINT', interrupt)
        reader.once('close', interrupt)
        reader.question(question.prompt, (answer) => resolve(answer.trim()))
      })
    } catch (error) {
      this.#talk.raw('\n')
      throw error
    } finally {
      process.removeListener('SIGINT', interrupt)
      reader.close()
    }
  }

  async #askPipe(question: Question): Promise<string> {
    const { stream } = this.#input
    this.#talk.raw(question.prompt)
    this.#lines ??= createInterface({ input: stream })[Symbol.asyncIterator]()
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), PIPED_ANSWER_MS_MAX)
    })
    const read = this.#lines.next().then((line) => (line.done ? null : line.value))
    const line = await Promise.race([read, silence]).finally(() => clearTimeout(timer))
    // A pipe does not echo; without this the next line would continue the prompt's.
    this.#talk.raw('\n')
    if (line === null) {
      throw new Fault('prompt.no_answer', 400, `nobody answered: ${question.prompt.trim()}`, {
        hint: question.insteadSay,
      })
    }
    return line.trim()
  }
}

// Without the terminal's own line editing: only erasing is ours to do.
async function readUnseen(stream: ReadStream): Promise<string> {
  let typed = ''
  for await (const chunk of stream) {
    for (const key of String(chunk)) {
      if (key === '\r' || key === '\n') return typed
      if (key === '\u0003' || key === '\u0004') throw interrupted()
      typed = key === '\u007f' || key === '\b' ? typed.slice(0, -1) : typed + key
    }
  }
  return typed
}

/** As the original understood it: y, yes, ok and true are a yes, all else is a no. */
export function isYes(answer: string): boolean {
  return /^(y|yes|ok|true)$/i.test(answer.trim())
}

function interrupted(): Fault {
  return new Fault('prompt.interrupted', 400, 'interrupted; nothing was changed')
}
