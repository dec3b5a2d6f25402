// The columns of a table and their indexes.

import { Alert, Group, NativeSelect, Stack, Table, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { TableView } from '../../contract/api.ts'
import { slowReadText } from '../../contract/slow-read.ts'
import { COLUMN_TYPES, NEW_COLUMN } from '../../contract/table-change.ts'
import { addColumn, addIndex, dropColumn, dropIndex } from '../calls/table-changes.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'

type Props = { service: string; table: TableView }

export function ColumnsPanel({ service, table }: Props) {
  const may = useMay()
  return (
    <Panel title="Columns" actions={may.change ? <AddButton service={service} table={table.name} /> : null}>
      {table.columns === null ? (
        <Text size="sm">The region of its server cannot be asked now.</Text>
      ) : (
        <>
          <AdviceAlert service={service} table={table} />
          <Wide minWidth={520}>
            <Table aria-label="Columns">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Type</Table.Th>
                  <Table.Th>Index</Table.Th>
                  {may.change ? <Table.Th>Actions</Table.Th> : null}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {table.columns.map(({ name, type, indexed }) => (
                  <Table.Tr key={name}>
                    <Table.Td>{name}</Table.Td>
                    <Table.Td>{type}</Table.Td>
                    <Table.Td>{indexed ? 'yes' : 'no'}</Table.Td>
                    {may.change ? (
                      <Table.Td>
                        {isSystem(name) ? (
                          <Text size="xs" c="dimmed">
                            kept by Mainstay
                          </Text>
                        ) : (
                          <ColumnActs service={service} table={table.name} column={name} isIndexed={indexed} />
                        )}
                      </Table.Td>
                    ) : null}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Wide>
        </>
      )}
    </Panel>
  )
}

function AdviceAlert({ service, table }: Props) {
  const may = useMay()
  const advice = table.advice ?? []
  if (advice.length === 0) return null
  return (
    <Alert color="yellow" title="Reads were slow for want of an index">
      <Stack gap="xs">
        {advice.map((one) => (
          <div key={`${one.column} ${one.use}`}>
            <Text size="sm">{slowReadText(one)}</Text>
            {may.change ? <SetIndexButton service={service} table={table.name} column={one.column} /> : null}
          </div>
        ))}
      </Stack>
    </Alert>
  )
}

function SetIndexButton({ service, table, column }: { service: string; table: string; column: string }) {
  return (
    <ChangeButton
      label="Set an index"
      isSmall
      variant="subtle"
      title={`Set an index on ${column}`}
      verb="Set it"
      plan={async () => ['Reads that look for its values become faster', 'Writes go on; a large table takes a while']}
      run={() => addIndex(service, table, column)}
    />
  )
}

type ActsProps = { service: string; table: string; column: string; isIndexed: boolean }

function ColumnActs({ service, table, column, isIndexed }: ActsProps) {
  return (
    <Group gap={4} wrap="nowrap">
      {isIndexed ? (
        <ChangeButton
          label="Remove the index"
          isSmall
          variant="subtle"
          title={`Remove the index of ${column}`}
          verb="Remove it"
          plan={async () => ['Reads that look for its values become slower']}
          run={() => dropIndex(service, table, column)}
        />
      ) : (
        <SetIndexButton service={service} table={table} column={column} />
      )}
      <ChangeButton
        label="Drop"
        isSmall
        isDangerous
        variant="subtle"
        title={`Drop the column ${column}`}
        verb="Drop it"
        typed={column}
        plan={async () => [`Every value of ${column} is deleted`]}
        run={() => dropColumn(service, table, column)}
      />
    </Group>
  )
}

function AddButton({ service, table }: { service: string; table: string }) {
  const [name, setName] = useState('')
  const [type, setType] = useState<string>(COLUMN_TYPES[0])
  const isNameFit = NEW_COLUMN.test(name)
  return (
    <ChangeButton
      label="Add a column"
      icon={<Icon name="plus" />}
      title={`Add a column to ${table}`}
      verb="Add"
      form={
        <Stack gap="sm">
          <TextInput
            label="Name"
            value={name}
            error={name !== '' && !isNameFit ? 'Letters, digits and underscores; a letter first.' : null}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
          <NativeSelect
            label="Type"
            value={type}
            onChange={(event) => setType(event.currentTarget.value)}
            data={[...COLUMN_TYPES]}
          />
        </Stack>
      }
      isFormReady={isNameFit}
      run={() => addColumn(service, table, name, type)}
      onDone={() => setName('')}
    />
  )
}

function isSystem(name: string): boolean {
  return name === 'id' || name.startsWith('__')
}
