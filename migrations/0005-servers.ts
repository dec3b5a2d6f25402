// Servers that people make, protect and delete; operations about a server. Not breaking: an older control leaves
// operations of kinds that it does not know to others, and goes on with the servers as they are.
import { type Kysely, sql } from 'kysely'

/** Adds columns and a table; what is there keeps its meaning. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  `alter table operations
     alter column service_id drop not null,
     alter column service_name drop not null,
     add column server text references servers,
     add constraint operations_subject check (service_id is not null or server is not null)`,
  `create index operations_service on operations (service_id, started_at)`,
  `alter table servers
     add column protection text not null default 'async' check (protection in ('none', 'vault', 'async', 'sync')),
     -- What a primary does whose synchronous standby is gone: go on without it, once that is recorded; or wait.
     add column sync_policy text not null default 'degrade' check (sync_policy in ('degrade', 'block')),
     -- The highest term of a lease that any standby of it ever had: terms go on growing when a standby is replaced.
     add column lease_term integer not null default 0,
     -- The service that it was made for, and with whose data it ends.
     add column made_for text references services,
     add column operation_id text references operations,
     add column ended_at timestamptz,
     -- A planned move of its primary: to which machine, while requests are held; whether the old one is to be stopped.
     add column switching_to text references machines,
     add column is_stopping boolean not null default false`,
  // A standby that is being given up: released, and not to come into force again.
  `alter table server_members
     add column is_leaving boolean not null default false,
     -- Seen in force: every commit since then waits for it.
     add column is_synchronous boolean not null default false,
     -- It was the primary until a planned move: under which epoch, and where its WAL ended when it was stopped.
     add column rejoin_epoch bigint,
     add column rejoin_lsn text,
     -- It is built in the place of what was quarantined there, up to that epoch; that is set aside first, or goes.
     add column replaces_epoch bigint,
     add column is_replaced_kept boolean not null default false`,
  // Writes that a lost primary committed and its standby never got, decoded by its host when it came back. The bundle
  // lies on that host and, once it was copied, on others.
  `create table divergences (
     server text not null references servers,
     -- The epoch that the lost primary wrote under.
     epoch bigint not null,
     machine text not null references machines,
     state text not null check (state in ('kept', 'applied', 'discarded')),
     summary jsonb not null,
     applied jsonb,
     found_at timestamptz not null default now(),
     primary key (server, epoch))`,
  `update server_members as left_behind set fork_lsn = successor.fork_lsn from server_members as successor
     where left_behind.role = 'quarantined' and left_behind.fork_lsn is null
       and successor.server = left_behind.server and successor.role = 'primary'`,
  // While it moves as planned, a service is served in its other home, too, and its requests are held for a moment.
  `alter table services
     add column also_machine text references machines,
     add column is_held boolean not null default false`,
  // Copies that are to go: named one by one, since a host never drops what some list lacks. Done when the host says so
  // of an assignment of that version or a later one.
  `create table server_drops (
     server text not null references servers,
     machine text not null references machines,
     version bigint not null,
     primary key (server, machine))`,
]
