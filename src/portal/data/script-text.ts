// What a script begins as: it does what the operation does without one.
import type { TableOperation } from '../../contract/permissions.ts'

const ARGUMENTS: Record<TableOperation, string> = {
  insert: 'item, user, request',
  update: 'item, user, request',
  delete: 'id, user, request',
  read: 'query, user, request',
}

/** The original's templates. */
export function emptyScript(operation: TableOperation): string {
  const name = operation === 'delete' ? 'del' : operation
  return `function ${name}(${ARGUMENTS[operation]}) {\n\n    request.execute();\n\n}\n`
}
