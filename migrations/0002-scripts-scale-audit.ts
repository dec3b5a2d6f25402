// Scripts with all their versions, services that are being scaled or restarted, and who changed what. Not breaking.
import { type Kysely, sql } from 'kysely'

/** Adds tables and columns; what is there keeps its meaning. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db)
}

const STATEMENTS = [
  // The texts of scripts by their SHA-256: the same text is kept once, whoever uses it.
  `create table script_texts (
     hash text primary key check (hash ~ '^[0-9a-f]{64}$'),
     text text not null,
     bytes integer not null,
     created_at timestamptz not null default now())`,
  // The newest version of a name is the one in force; a hash of null says that it was deleted then.
  `create table script_versions (
     service_id text not null references services,
     name text not null,
     version integer not null check (version >= 1),
     hash text references script_texts,
     principal text not null,
     created_at timestamptz not null default now(),
     primary key (service_id, name, version))`,
  // While it is scaled, a service is served in its second shape too, so that no request falls between the two.
  `alter table services add column also_mode text check (also_mode in ('shared', 'reserved'))`,
  `alter table services add column also_units integer check (also_units >= 1)`,
  `alter table services add constraint also_whole check ((also_mode is null) = (also_units is null))`,
  // Until a person sets it, a region's capacity is what its hosts offer. What was set before stays set.
  `alter table regions add column is_capacity_set boolean not null default false`,
  `update regions set is_capacity_set = true where reserved_units <> 4 or shared_slots <> 20`,
  // Grows with each restart that a person asked for.
  `alter table services add column restarts integer not null default 0`,
  `create table audit (
     id bigint generated always as identity primary key,
     at timestamptz not null default now(),
     subscription_id text not null,
     principal text not null,
     action text not null,
     subject text not null,
     before jsonb,
     after jsonb,
     operation_id text)`,
  `create index audit_subject on audit (subscription_id, subject, id)`,
]
