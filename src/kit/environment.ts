// The environment variables that roles read; the CLI has its own list.

export type Environment = {
  logLevel: string
  joinToken: string | null
  /** Where a test arms fault points; null outside of tests. */
  faultPointsFolder: string | null
}

/** Read when called, never at load. */
export function environment(): Environment {
  return {
    logLevel: process.env.MAINSTAY_LOG ?? 'info',
    joinToken: process.env.MAINSTAY_JOIN_TOKEN ?? null,
    faultPointsFolder: process.env.MAINSTAY_FAULT_POINTS ?? null,
  }
}
