// What a recovery did and what it cost, as it was measured.
import { Text } from '@mantine/core'
import { formatCount, formatMs } from '../../contract/amounts.ts'
import type { RecoveryReportView } from '../../contract/api.ts'
import { CommandText } from '../kit/command-line.tsx'
import { Pairs } from '../kit/pairs.tsx'

export function RecoveryReport({ report }: { report: RecoveryReportView }) {
  return (
    <>
      <Pairs
        pairs={[
          ['Database', report.databaseSentence],
          ['Took', formatMs(report.totalMs)],
          ['Measured loss', report.lossSentence],
          ['Rows found', formatCount(report.rows)],
          ['Gateways that learn it later', report.lateGateways.length > 0 ? report.lateGateways.join(', ') : null],
        ]}
      />
      <Text size="sm" component="div">
        <CommandText text={report.protectionSentence} />
      </Text>
    </>
  )
}
