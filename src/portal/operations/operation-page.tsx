// One operation, live, at an address of its own: it can be sent to somebody.
import { Anchor, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { formatMs } from '../../contract/amounts.ts'
import { operationQuery } from '../calls/queries.ts'
import { formatMoment } from '../kit/amounts.ts'
import { CommandLine } from '../kit/command-line.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Page } from '../kit/page.tsx'
import { Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { OperationSteps } from './operation-progress.tsx'
import { durationOf, kindText } from './operation-words.ts'

export function OperationPage({ id }: { id: string }) {
  const operation = useQuery(operationQuery(id))
  const nowMs = useNow()
  return (
    <Page
      title={operation.data ? kindText(operation.data) : 'Operation'}
      about={
        <Anchor component={Link} href="/operations" size="sm">
          All operations
        </Anchor>
      }
    >
      <Loaded query={operation} what="the operation">
        {(data) => (
          <>
            <Panel>
              <Pairs
                pairs={[
                  ['Began', `${formatMoment(data.startedAt)}, by ${data.principal}`],
                  ['Ended', data.finishedAt === null ? 'not yet' : formatMoment(data.finishedAt)],
                  [data.finishedAt === null ? 'Takes' : 'Took', formatMs(durationOf(data, nowMs))],
                  [
                    'Service',
                    data.service === null ? null : (
                      <Anchor key="service" component={Link} href={`/services/${data.service}`} size="sm">
                        {data.service}
                      </Anchor>
                    ),
                  ],
                  [
                    'Server',
                    data.server === null ? null : (
                      <Anchor key="server" component={Link} href={`/databases/${data.server}`} size="sm">
                        {data.server}
                      </Anchor>
                    ),
                  ],
                ]}
              />
            </Panel>
            <Panel title="Steps">
              <OperationSteps operation={data} />
            </Panel>
            <div>
              <Text size="sm" c="dimmed" mb={4}>
                The same on the command line
              </Text>
              <CommandLine command={`mainstay operation watch ${data.id}`} />
            </div>
          </>
        )}
      </Loaded>
    </Page>
  )
}
