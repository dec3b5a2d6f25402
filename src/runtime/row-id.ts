// The ids of rows: texts that an app may choose, or integers that PostgreSQL gives. Inside, both are texts.
import type { TableDefinition } from '../contract/assignment.ts'
import type { IdType } from '../contract/table-format.ts'
import { badRequest } from './app-faults.ts'
import { checkId, checkIdLength, checkInteger } from './item-body.ts'

/** What a table's ids are. */
export function idTypeOf(table: TableDefinition): IdType {
  return table.idType ?? 'string'
}

/** Checks an id that somebody asks for, in a URL or a script. */
export function checkRowId(id: string, idType: IdType): string {
  return idType === 'integer' ? checkInteger(id) : checkId(id)
}

/** The id of an item that is to be made: as it was given, or made here; null where PostgreSQL gives it. */
export function newIdOf(given: string | null, idType: IdType, make: () => string): string | null {
  if (idType === 'string') return given === null ? make() : checkIdLength(given)
  if (given === null) return null
  throw badRequest("A value cannot be specified for property 'id'")
}

/** An id as apps and scripts see it. */
export function idValue(id: string, idType: IdType): string | number {
  return idType === 'integer' ? Number(id) : id
}
