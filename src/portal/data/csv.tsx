// Rows out to a CSV file and in from one, with how far that is.
import { Alert, Button, FileInput, Group, List, Modal, Progress, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { TableView } from '../../contract/api.ts'
import type { CsvProblem } from '../../contract/csv-rows.ts'
import { countOf } from '../kit/amounts.ts'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { saveFile } from '../kit/save-file.ts'

/** Further problems are counted only. */
const PROBLEMS_SHOWN = 20

type Props = { service: string; table: TableView }

/** Ends what goes on when the part of the page is left. */
function useAborter(): () => AbortSignal {
  const aborter = useRef<AbortController | null>(null)
  useEffect(() => () => aborter.current?.abort(), [])
  return () => {
    aborter.current = new AbortController()
    return aborter.current.signal
  }
}

export function ExportCsvButton({ service, table, filter }: Props & { filter: string | null }) {
  const [rows, setRows] = useState(0)
  const begin = useAborter()
  const work = useMutation({
    async mutationFn() {
      const { exportCsv } = await import('./csv-file.ts')
      const blob = await exportCsv(service, table, filter, { signal: begin(), onRows: setRows })
      saveFile(`${table.name}.csv`, blob)
    },
  })
  return (
    <>
      <Button size="compact-sm" variant="default" loading={work.isPending} onClick={() => work.mutate()}>
        CSV out
      </Button>
      <Text size="sm" c="dimmed" role="status">
        {work.isPending ? `${countOf(rows, 'row')} so far` : work.isSuccess ? `${countOf(rows, 'row')} written` : ''}
      </Text>
      <FaultAlert error={work.error} />
    </>
  )
}

export function ImportCsvButton({ service, table }: Props) {
  const [isOpen, dialog] = useDisclosure(false)
  return (
    <>
      <Button size="compact-sm" variant="default" onClick={dialog.open} disabled={table.columns === null}>
        CSV in
      </Button>
      <Modal opened={isOpen} onClose={dialog.close} title={`Rows from a file into ${table.name}`}>
        <Import service={service} table={table} onClose={dialog.close} />
      </Modal>
    </>
  )
}

function Import({ service, table, onClose }: Props & { onClose: () => void }) {
  const client = useQueryClient()
  const [file, setFile] = useState<File | null>(null)
  const [tried, setTried] = useState(0)
  const begin = useAborter()
  const look = useMutation({
    mutationFn: async (chosen: File) => await (await import('./csv-file.ts')).readCsv(chosen, table.columns ?? []),
  })
  const work = useMutation({
    async mutationFn() {
      const { insertCsv } = await import('./csv-file.ts')
      return await insertCsv(service, table.name, look.data?.rows ?? [], { signal: begin(), onRows: setTried })
    },
    onSettled: () => void client.invalidateQueries(),
  })
  const rows = look.data?.rows.length ?? 0
  return (
    <Stack gap="md">
      <Text size="sm">
        The first line names the columns; an empty cell is left out. Each row is inserted by itself, without the scripts
        of the table; one whose id is there already is refused.
      </Text>
      <FileInput
        label="File"
        accept=".csv,text/csv"
        placeholder="Choose a CSV file"
        value={file}
        disabled={work.isPending || work.isSuccess}
        onChange={(chosen) => {
          setFile(chosen)
          if (chosen) look.mutate(chosen)
          else look.reset()
        }}
      />
      <FaultAlert error={look.error} title="This file cannot be imported" />
      {look.data && !work.data ? (
        <Text size="sm" role="status">
          {countOf(rows, 'row')} can be inserted.
        </Text>
      ) : null}
      <Problems problems={[...(look.data?.problems ?? []), ...(work.data?.problems ?? [])]} />
      {work.isPending ? (
        <Progress value={rows === 0 ? 0 : (100 * tried) / rows} aria-label="Rows that were tried" />
      ) : null}
      <FaultAlert error={work.error} title={`It ended after ${countOf(tried, 'row')}`} />
      {work.data ? (
        <Text size="sm" role="status">
          {countOf(work.data.inserted, 'row')} inserted.
        </Text>
      ) : null}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {work.isPending ? 'Stop' : 'Close'}
        </Button>
        {work.data ? null : (
          <Button disabled={rows === 0} loading={work.isPending} onClick={() => work.mutate()}>
            Insert {countOf(rows, 'row')}
          </Button>
        )}
      </Group>
    </Stack>
  )
}

function Problems({ problems }: { problems: CsvProblem[] }) {
  if (problems.length === 0) return null
  const more = problems.length - PROBLEMS_SHOWN
  return (
    <Alert color="yellow" title={`${countOf(problems.length, 'row')} cannot be inserted`}>
      <List size="sm">
        {problems.slice(0, PROBLEMS_SHOWN).map(({ line, message }) => (
          <List.Item key={line}>
            Row {line}: {message}
          </List.Item>
        ))}
        {more > 0 ? <List.Item>and {more} more</List.Item> : null}
      </List>
    </Alert>
  )
}
