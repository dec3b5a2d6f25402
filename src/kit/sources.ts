// Where our sources are, for what is run from them by itself: threads, and what lies in a sandbox.

/** The URL of a file below `src`. From here the root is as far away as from the bundles (`build/roles.ts`). */
export function sourceUrl(path: string): URL {
  return new URL(`../../src/${path}`, import.meta.url)
}
