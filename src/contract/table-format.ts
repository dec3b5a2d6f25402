// How a service's tables lie in PostgreSQL. Stored data fixes this for ever: the host makes it, the runtime relies on it.

/** The database of a managed server that holds the services' schemas. */
export const APPS_DATABASE = 'apps'

/** What the ids of a table's rows are: texts that an app may choose, or integers that PostgreSQL gives. */
export const ID_TYPES = ['string', 'integer'] as const
export type IdType = (typeof ID_TYPES)[number]

/** System columns of a table, in this order after `id`; `__deleted` only where soft delete is on. */
export const ID_COLUMN = 'id'
export const CREATED_AT_COLUMN = '__createdAt'
export const UPDATED_AT_COLUMN = '__updatedAt'
export const VERSION_COLUMN = '__version'
export const DELETED_COLUMN = '__deleted'
export const SYSTEM_COLUMNS = [CREATED_AT_COLUMN, UPDATED_AT_COLUMN, VERSION_COLUMN, DELETED_COLUMN] as const

/** What `__deleted` is: a row that is only marked, and there still. */
export const DELETED_COLUMN_SQL = 'boolean not null default false'

/** True for the columns that every table has by itself. `__deleted` is none: it is there where somebody wanted it. */
export function isReservedColumn(name: string): boolean {
  return name === ID_COLUMN || SYSTEM_COLUMNS.some((column) => column === name && column !== DELETED_COLUMN)
}

/** Ours in every service's schema: one row that proves a write and a read. Its name cannot be a table's (leading dots). */
export const PROBE_TABLE = '.probe'
/** Ours as well: how the runs of scheduled jobs went. */
export const JOB_RUNS_TABLE = '.jobs'
/** Ours as well: devices that push notifications go to, what is sent to them, and what was removed. */
export const PUSH_TABLES = {
  registrations: '.push_registrations',
  installations: '.push_installations',
  sends: '.push_sends',
  retries: '.push_retries',
  feedback: '.push_feedback',
} as const
/** Those that are ours, and no app's. */
export const OWN_TABLES: readonly string[] = [PROBE_TABLE, JOB_RUNS_TABLE, ...Object.values(PUSH_TABLES)]
/** One sequence per schema; `version` values are taken from it, the epoch in their upper bits. */
export const VERSION_SEQUENCE = '.versions'
/** How many of a version's 64 bits lie below the epoch: 2^40 changes in each of 2^23 epochs. */
export const VERSION_EPOCH_SHIFT = 40
/** Schema of our own functions and collation in every database. */
export const PLATFORM_SCHEMA = 'mainstay'
/** Tells up to which stamp all changes of a database are there to be read: none that is still under way lies before. */
export const SETTLED_FUNCTION = 'mainstay.settled()'
/** The collation of text columns and string ids: case-insensitive, accent-sensitive, linguistic. */
export const TEXT_COLLATION = 'mainstay.ci'

/** In which all letters have their case, also those that a database's own locale does not know. */
export const LETTER_COLLATION = '"und-x-icu"'

/**
 * Text as functions that look into it compare it, as SQL: letter by letter, whatever the case. Indexes for filters lie
 * on this expression.
 */
export function foldedSql(text: string): string {
  return `lower(${text} collate ${LETTER_COLLATION}) collate "C"`
}

/** PostgreSQL types of columns that dynamic schema adds, by the JSON value's type. */
export const COLUMN_TYPES = {
  string: `text collate ${TEXT_COLLATION}`,
  number: 'double precision',
  boolean: 'boolean',
  date: 'timestamptz(3)',
} as const

const COLUMN_WORDS: Record<string, keyof typeof COLUMN_TYPES> = {
  text: 'string',
  'double precision': 'number',
  boolean: 'boolean',
  'timestamp(3) with time zone': 'date',
}

/** A type as PostgreSQL writes it, in the word of dynamic schema where that has one. */
export function columnWord(type: string): string {
  return COLUMN_WORDS[type] ?? type
}

/** Longest string id, in characters, as in the original. */
export const ID_LENGTH_MAX = 255

/** What PostgreSQL calls the type of ids. */
export const ID_SQL_TYPES: Record<IdType, string> = { string: 'text', integer: 'bigint' }

/** The role that owns a service's schema; it cannot log in. */
export function ownerRole(serviceId: string): string {
  return `svc_${serviceId}`
}

/** The role that a service's pools log in with under an epoch. */
export function loginRole(serviceId: string, epoch: number): string {
  return `svc_${serviceId}_e${epoch}`
}
