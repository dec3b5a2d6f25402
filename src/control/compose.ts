// What the routes of the management API are given.
import type { FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import type { Accounts, Caller } from '../accounts/accounts.ts'
import type { OperationView } from '../contract/api.ts'
import type { ControlDatabase } from '../contract/control-schema.ts'
import type { RestoreDeps } from '../databases/restore-server.ts'
import type { RecoveryDeps } from '../recovery/recover-facts.ts'
import type { ServiceDeps } from '../services/create-service.ts'
import type { Changes } from './changes.ts'
import type { MachineField } from './machine-field.ts'
import type { ViewDeps } from './views.ts'

export type ApiDeps = {
  db: Kysely<ControlDatabase>
  accounts: Accounts
  field: MachineField
  services: ServiceDeps
  recovery: RecoveryDeps
  backups: RestoreDeps
  views: ViewDeps
  changes: Changes
  /** Where other machines find control's door. */
  controlUrl: string
  /** Who sent a request that passed authentication. */
  callerOf: (request: FastifyRequest) => Caller
  /** Sets an operation going and shows it. */
  started: (caller: Caller, operationId: string) => Promise<OperationView>
}
