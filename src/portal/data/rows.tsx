// The rows of a table, a page at a time.

import { Button, Group, NativeSelect, Table, Text, TextInput, UnstyledButton } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { RowView, TableView } from '../../contract/api.ts'
import { idOfRow } from '../../contract/csv-rows.ts'
import { deleteRow, readRows } from '../calls/table-changes.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'
import { ExportCsvButton, ImportCsvButton } from './csv.tsx'
import { AddRowButton, EditRowButton } from './row-form.tsx'
import { CELL_LENGTH_MAX, cellText, columnsOf, nextOrder, pageText } from './row-page.ts'
import styles from './rows.module.css'

const SIZES = ['20', '50', '100', '200']
const USUAL = 50

type Props = { service: string; table: TableView }

export function RowsPanel({ service, table }: Props) {
  const may = useMay()
  const [skip, setSkip] = useState(0)
  const [top, setTop] = useState(USUAL)
  const [orderBy, setOrderBy] = useState<string | null>(null)
  const [filter, setFilter] = useState<string | null>(null)
  const wanted = { skip, top, orderBy, filter }
  const page = useQuery({
    queryKey: ['rows', service, table.name, wanted],
    queryFn: ({ signal }) => readRows(service, table.name, wanted, signal),
    placeholderData: keepPreviousData,
  })
  const shown = page.data?.rows.length ?? 0
  const count = page.data?.count ?? null
  // What was on this page is gone: the last one that there is, instead of an empty one.
  const isBeyond = !page.isPlaceholderData && count !== null && skip > 0 && skip >= count
  useEffect(() => {
    if (isBeyond) setSkip(Math.max(0, Math.ceil((count ?? 0) / top) - 1) * top)
  }, [isBeyond, count, top])
  return (
    <Panel
      title="Rows"
      about="As the data plane answers them to an operator."
      actions={
        <>
          {may.change ? <AddRowButton service={service} table={table} /> : null}
          {may.change ? <ImportCsvButton service={service} table={table} /> : null}
          <ExportCsvButton service={service} table={table} filter={filter} />
          <NativeSelect
            aria-label="Rows on a page"
            size="xs"
            value={String(top)}
            onChange={(event) => {
              setTop(Number(event.currentTarget.value))
              setSkip(0)
            }}
            data={SIZES}
          />
          <Button size="xs" variant="default" onClick={() => void page.refetch()} loading={page.isFetching}>
            Read again
          </Button>
        </>
      }
    >
      <FilterForm
        onFilter={(text) => {
          setFilter(text)
          setSkip(0)
        }}
      />
      <Loaded query={page} what="the rows">
        {({ rows }) => (
          <>
            <Grid
              {...{ service, table, rows, orderBy }}
              onOrder={(column) => {
                setOrderBy(nextOrder(orderBy, column))
                setSkip(0)
              }}
            />
            <Group justify="space-between">
              <Text size="sm" c="dimmed" role="status">
                {pageText({ skip, shown, count })}
              </Text>
              <Group gap="xs">
                <Button
                  size="xs"
                  variant="default"
                  disabled={skip === 0}
                  onClick={() => setSkip(Math.max(0, skip - top))}
                >
                  Before
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  disabled={count === null ? shown < top : skip + shown >= count}
                  onClick={() => setSkip(skip + top)}
                >
                  Next
                </Button>
              </Group>
            </Group>
          </>
        )}
      </Loaded>
    </Panel>
  )
}

function FilterForm({ onFilter }: { onFilter: (text: string | null) => void }) {
  const [text, setText] = useState('')
  const filter = text.trim()
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onFilter(filter === '' ? null : filter)
      }}
    >
      <Group gap="xs" wrap="nowrap">
        <TextInput
          aria-label="Filter"
          placeholder="text eq 'milk' and complete eq false"
          size="xs"
          flex={1}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button size="xs" variant="default" type="submit">
          Filter
        </Button>
      </Group>
    </form>
  )
}

type GridProps = Props & { rows: RowView[]; orderBy: string | null; onOrder: (column: string) => void }

function Grid({ service, table, rows, orderBy, onOrder }: GridProps) {
  const may = useMay()
  const columns = columnsOf(table, rows)
  return (
    <Wide minWidth={400}>
      <Table className={styles.grid ?? ''} aria-label={`Rows of ${table.name}`} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => {
              const way = orderBy === column ? 'ascending' : orderBy === `${column} desc` ? 'descending' : 'none'
              return (
                <Table.Th key={column} aria-sort={way}>
                  <UnstyledButton fz="sm" fw={600} onClick={() => onOrder(column)}>
                    {column}
                    {way === 'none' ? '' : way === 'ascending' ? ' ↑' : ' ↓'}
                  </UnstyledButton>
                </Table.Th>
              )
            })}
            {may.change ? <Table.Th>Actions</Table.Th> : null}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row, index) => (
            <Table.Tr key={idOfRow(row) ?? index}>
              {columns.map((column) => (
                <Cell key={column} value={row[column]} />
              ))}
              {may.change ? (
                <Table.Td>
                  {idOfRow(row) === null ? null : (
                    <Group gap={4} wrap="nowrap">
                      <EditRowButton service={service} table={table} row={row} id={String(idOfRow(row))} />
                      <DeleteRow service={service} table={table.name} id={String(idOfRow(row))} />
                    </Group>
                  )}
                </Table.Td>
              ) : null}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  )
}

function Cell({ value }: { value: unknown }) {
  const text = cellText(value)
  const isLong = text.length > CELL_LENGTH_MAX
  return (
    <Table.Td title={isLong ? text : undefined} className={value === null ? (styles.nothing ?? '') : ''}>
      {isLong ? `${text.slice(0, CELL_LENGTH_MAX)}…` : text}
    </Table.Td>
  )
}

function DeleteRow({ service, table, id }: { service: string; table: string; id: string }) {
  return (
    <ChangeButton
      label="Delete"
      isSmall
      isDangerous
      variant="subtle"
      title="Delete the row"
      verb="Delete it"
      plan={async () => [`The row ${id} of ${table} is deleted`]}
      run={() => deleteRow(service, table, id)}
    />
  )
}
