/** Where the bundles are. */
export const BUNDLES: string
/** What is imported to run a role, or `cli`. */
export function entryOf(name: string): string
/** True when there are bundles of the sources as they are. */
export function isBuilt(): boolean
