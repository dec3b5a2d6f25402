// What the local cloud leaves in its home folder for the CLI, and what `up` takes over its own socket.

/** `<home>/cloud.json`: where a running local cloud is. Removed by an orderly stop. */
export type CloudFile = {
  pid: number
  controlUrl: string
  gatewayUrl: string
  /** Unix socket of `up`: one JSON request line, one JSON answer line. */
  socket: string
  regions: string[]
}

/** `<home>/operator.token`: the bearer token of the first operator, mode 0600, made by control at its first start. */
export const OPERATOR_TOKEN_FILE = 'operator.token'
/** `<home>/owner.invitation`: the token of the first owner's link to sign in, mode 0600; gone once it was used. */
export const OWNER_INVITATION_FILE = 'owner.invitation'
/** `<home>/control.json` of a running control, for the commands on its machine. Removed by an orderly stop. */
export const CONTROL_FILE = 'control.json'
export type ControlFile = { pid: number; url: string }
export const CLOUD_FILE = 'cloud.json'
/** `<home>/outages.json`: outages that are on; written before they are carried out, so that a restart keeps them. */
export const OUTAGES_FILE = 'outages.json'

/**
 * `all` kills the region with its PostgreSQL; `compute` its runtimes; `network` closes its door, all inside runs on:
 * `inbound` for what others open to it only, `outbound` for what it opens to others.
 */
export const OUTAGE_KINDS = ['all', 'compute', 'network', 'inbound', 'outbound'] as const
export type OutageKind = (typeof OUTAGE_KINDS)[number]
export type Outage = { region: string; kind: OutageKind }

export type UpRequest =
  | { kind: 'outage_start'; region: string; only: OutageKind }
  | { kind: 'outage_stop'; region: string }
  | { kind: 'outage_list' }
  | { kind: 'stop' }
export type UpAnswer =
  | { ok: true; outages: Outage[]; killed: number }
  | { ok: false; code: string; message: string; hint?: string }

/** `up` → a role, over ipc. Hosts take them; the door is cut while an outage of the network lasts. */
export type ToRole = { kind: 'outage'; outage: OutageKind | null }
/** A role → `up`, over ipc: it does its duty now. */
export type FromRole = { kind: 'ready'; url?: string; port?: number }
