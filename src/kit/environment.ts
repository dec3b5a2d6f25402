// The environment variables that roles read; the CLI has its own list.

export type Environment = {
  logLevel: string
  joinToken: string | null
  /** URL of an external control database; holds a password, so the environment is a better place than an option. */
  controlDatabase: string | null
  /** Folders for archives of the control database, separated by commas. */
  controlVaults: string[]
  /** Where a host's backups go, and what opens a bucket. */
  vault: string | null
  vaultAccessKeyId: string | null
  vaultSecretAccessKey: string | null
  /** Where each role answers `/metrics`, when its option does not say it; null: nowhere. */
  metricsAddress: string | null
  /** Where a test arms fault points; null outside of tests. */
  faultPointsFolder: string | null
}

/** Read when called, never at load. */
export function environment(): Environment {
  return {
    logLevel: process.env.MAINSTAY_LOG ?? 'info',
    joinToken: process.env.MAINSTAY_JOIN_TOKEN ?? null,
    controlDatabase: process.env.MAINSTAY_CONTROL_DB || null,
    controlVaults: (process.env.MAINSTAY_CONTROL_VAULT ?? '').split(',').filter((folder) => folder.trim() !== ''),
    vault: process.env.MAINSTAY_VAULT || null,
    vaultAccessKeyId: process.env.MAINSTAY_VAULT_ACCESS_KEY_ID || null,
    vaultSecretAccessKey: process.env.MAINSTAY_VAULT_SECRET_ACCESS_KEY || null,
    metricsAddress: process.env.MAINSTAY_METRICS_ADDRESS || null,
    faultPointsFolder: process.env.MAINSTAY_FAULT_POINTS ?? null,
  }
}
