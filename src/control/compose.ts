// What the routes of the management API are given.
import type { FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import type { Accounts } from '../accounts/accounts.ts'
import type { Caller, KnownCaller } from '../accounts/caller.ts'
import type { OpenId } from '../accounts/openid.ts'
import type { Seal } from '../accounts/seal.ts'
import type { Sessions } from '../accounts/sessions.ts'
import type { OperationView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { RestoreDeps } from '../databases/restore-server.ts'
import type { RecoveryDeps } from '../recovery/recover-facts.ts'
import type { ServiceDeps } from '../services/create-service.ts'
import type { InstallModules } from '../services/npm-modules.ts'
import type { SourceDeps } from '../source/deploy.ts'
import type { BrowserSession } from './authentication.ts'
import type { Changes } from './changes.ts'
import type { Portal } from './http-session.ts'
import type { LiveFeed } from './live-feed.ts'
import type { MachineField } from './machine-field.ts'
import type { NoticeDeps } from './notice-sender.ts'
import type { ViewDeps } from './views.ts'

export type ApiDeps = {
  db: Kysely<ControlDatabase>
  accounts: Accounts
  sessions: Sessions
  portal: Portal
  seal: Seal
  openId: OpenId | null
  feed: LiveFeed
  field: MachineField
  services: ServiceDeps
  source: SourceDeps
  recovery: RecoveryDeps
  backups: RestoreDeps
  views: ViewDeps
  changes: Changes
  notices: Pick<NoticeDeps, 'policy' | 'smtp'>
  /** Installs npm modules, in a sandbox. */
  install: InstallModules
  /** Where other machines find control's door. */
  controlUrl: string
  /** Where the original's tools are answered, and whether under a certificate of our own; null: nowhere. */
  toolEndpoint: () => { url: string; isSelfMade: boolean } | null
  /** Who sent a request that passed authentication. */
  callerOf: (request: FastifyRequest) => KnownCaller
  /** The session that it was sent in, unless it came with a token. */
  sessionOf: (request: FastifyRequest) => BrowserSession | null
  /** Sets an operation going and shows it. */
  started: (caller: Caller, operationId: string) => Promise<OperationView>
}
