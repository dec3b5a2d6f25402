// What goes on and what went on, whoever began it.
import { useQuery } from '@tanstack/react-query'
import { operationsQuery } from '../calls/queries.ts'
import { Loaded } from '../kit/loaded.tsx'
import { Page } from '../kit/page.tsx'
import { Panel } from '../kit/panel.tsx'
import { OperationList } from './operation-list.tsx'

const TOP = 100

export function OperationsPage() {
  const operations = useQuery(operationsQuery({ top: TOP }))
  return (
    <Page title="Operations" about="Long changes, whoever began them: here, on the command line, or by schedule.">
      <Loaded query={operations} what="the operations">
        {(data) => {
          const running = data.filter(({ state }) => state === 'running')
          const ended = data.filter(({ state }) => state !== 'running')
          return (
            <>
              {running.length > 0 ? (
                <Panel title="Under way">
                  <OperationList operations={running} isWithSteps />
                </Panel>
              ) : null}
              <Panel title={`The last ${TOP}`}>
                <OperationList operations={ended} isWithSteps />
              </Panel>
            </>
          )
        }}
      </Loaded>
    </Page>
  )
}
