// What empties or ends a table.
import { Group } from '@mantine/core'
import { useLocation } from 'wouter'
import { deleteTable, truncate } from '../calls/table-changes.ts'
import { countOf } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Panel } from '../kit/panel.tsx'

export function TableEndPanel({ service, table }: { service: string; table: string }) {
  const [, goTo] = useLocation()
  return (
    <Panel title="Empty or delete">
      <Group gap="xs">
        <ChangeButton
          label="Truncate"
          isDangerous
          variant="outline"
          title={`Delete every row of ${table}`}
          verb="Delete every row"
          typed={table}
          plan={async () => {
            const { rowCount } = await truncate(service, table, { confirm: false })
            return [`${countOf(rowCount, 'row')} of ${table} are deleted`, 'The table and its columns stay']
          }}
          run={() => truncate(service, table, { confirm: true })}
        />
        <ChangeButton
          label="Delete the table"
          isDangerous
          variant="outline"
          title={`Delete the table ${table}`}
          verb="Delete it"
          typed={table}
          plan={async () => [`${table}, its rows, its columns and its scripts are deleted`]}
          run={() => deleteTable(service, table)}
          onDone={() => goTo(`/services/${service}/data`)}
        />
      </Group>
    </Panel>
  )
}
