// npm modules of a service's scripts, as control, hosts and people speak of them.

/** An installed package. `hasInstallScript`: it wanted to run something then, which it may not. */
export type NpmPackage = { name: string; version: string; hasInstallScript?: boolean }

/** What says which modules a service has: scripts like any other, but for their names. */
export const PACKAGE_FILE = 'package.json'
export const LOCK_FILE = 'package-lock.json'

/** What a host asks control for: how many parts there are, and each of them (base64). */
export type NpmModulesAnswer = { bytes: number; parts: number }
export type NpmModulesPart = { content: string }
