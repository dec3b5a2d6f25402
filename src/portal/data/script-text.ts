// What a script begins as.
import type { TableOperation } from '../../contract/permissions.ts'

const ARGUMENTS: Record<TableOperation, string> = {
  insert: 'item, user, request',
  update: 'item, user, request',
  delete: 'id, user, request',
  read: 'query, user, request',
}

/** What a custom API begins as. */
export const EMPTY_API = `exports.get = async function (request, response) {

    response.send(statusCodes.OK, { message: 'Hello World!' });

};
`

/** What the script of a job begins as: its function has the job's name. */
export function emptyJob(name: string): string {
  return `async function ${name}() {\n\n    console.log('${name} runs');\n\n}\n`
}

/** What the extension of registrations begins as. */
export const EMPTY_EXTENSION = `exports.register = function (registration, context, done) {

    // registration.tags may be changed here; done('a reason') refuses it.
    done();

};
`

/** The original's templates. */
export function emptyScript(operation: TableOperation): string {
  const name = operation === 'delete' ? 'del' : operation
  return `function ${name}(${ARGUMENTS[operation]}) {\n\n    request.execute();\n\n}\n`
}
