// The steps of a recovery and their sentences: one list, shown in the CLI, the API and the portal unchanged.

export const RECOVERY_STEPS = [
  { name: 'fence', sentence: 'Fencing the lost home' },
  { name: 'database', sentence: 'Bringing the database up' },
  { name: 'activate', sentence: 'Starting the service in its new home' },
  { name: 'verify', sentence: 'Verifying tables, keys and data' },
  { name: 'reroute', sentence: 'Telling every gateway' },
  { name: 'prove', sentence: 'Proving a write and a read at the stable URL' },
  { name: 'cleanup', sentence: 'Giving up the secondary' },
] as const

export type RecoveryStepName = (typeof RECOVERY_STEPS)[number]['name']

/** After a restore there is one more. */
export const RESTAMP_STEP = { name: 'restamp', sentence: 'Having apps that were offline fetch all rows again' } as const

/** What a recovery does to the database. */
export type DatabaseAction = 'keep' | 'promote' | 'restore'
