// A token that a platform gives us for our credentials: asked for once, kept until it is nearly over.
export type Token = { text: string; untilMs: number }

const EARLY_MS = 60_000

export class TokenCache {
  readonly #ask: () => Promise<Token>
  #token: Token | null = null
  #asking: Promise<Token> | null = null

  constructor(ask: () => Promise<Token>) {
    this.#ask = ask
  }

  /** The token in force. Throws what asking for it throws; the next who needs it asks again. */
  async get(): Promise<string> {
    if (this.#token && Date.now() < this.#token.untilMs - EARLY_MS) return this.#token.text
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null
    })
    this.#token = await this.#asking
    return this.#token.text
  }

  /** That one was refused: the next is a new one. */
  drop(text: string): void {
    if (this.#token?.text === text) this.#token = null
  }
}
