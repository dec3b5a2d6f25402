// What is told of a value that a script threw.
import { format, types } from 'node:util'

const OWN_FRAME = /<\/(?:table|api|scheduler|shared|extensions)\//

/** What is known of it, with the scripts' own frames only: ours would tell nobody anything. */
export function describe(error: unknown): string {
  const isError = types.isNativeError(error)
  const text = isError ? (error.stack ?? String(error)) : format('%s', error)
  const shown = text
    .split('\n')
    .map((line) => (/^\s+at /.test(line) && !OWN_FRAME.test(line) ? '    at [external code]' : line))
  return shown.filter((line, index) => line !== shown[index - 1]).join('\n')
}
