// What every provider can do, whatever it speaks.
import type { Identity } from './identity.ts'

/** `parameters`: what the app adds for the provider. */
export type Wanted = { redirectUri: string; state: string; parameters: URLSearchParams }
/** Where the browser goes, and what has to be known again when it comes back. */
export type Begun = { url: string; kept: Record<string, string> }
/** A browser that came back: to that URL, with that query. */
export type Came = { redirectUri: string; query: URLSearchParams; state: string; kept: Record<string, string> }

export type Provider = {
  /** Begins the server flow. */
  begin: (wanted: Wanted) => Promise<Begun>
  /** Ends it. Faults with `auth.refused` or `auth.unavailable`. */
  finish: (came: Came) => Promise<Identity>
  /** Client flow: judges what an app got from the provider by itself. Null: it takes nothing of that kind. */
  check: ((given: Record<string, unknown>) => Promise<Identity>) | null
}
