// The scripts of a table: one for each operation, edited here, every version kept.

import { Button, Group, SegmentedControl, Stack } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { ScriptView } from '../../contract/api.ts'
import { TABLE_OPERATIONS, type TableOperation } from '../../contract/permissions.ts'
import { scriptFileOf } from '../../contract/script-file.ts'
import { scriptsQuery } from '../calls/queries.ts'
import { readScript } from '../calls/table-changes.ts'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { saveFile } from '../kit/save-file.ts'
import { OneScript } from './one-script.tsx'
import { emptyScript } from './script-text.ts'

type Props = { service: string; table: string }

export function ScriptsPanel({ service, table }: Props) {
  const [operation, setOperation] = useState<TableOperation>('insert')
  const scripts = useQuery(scriptsQuery(service))
  const name = `table/${table}.${operation}`
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <SegmentedControl
          aria-label="Operation"
          value={operation}
          onChange={(value) => setOperation(value as TableOperation)}
          data={TABLE_OPERATIONS.map((one) => ({ value: one, label: one }))}
        />
        <ZipButton service={service} scripts={scripts.data ?? []} />
      </Group>
      <Loaded query={scripts} what="the scripts">
        {(data) => (
          <OneScript
            key={name}
            {...{ service, name }}
            start={emptyScript(operation)}
            without="the operation does what it does by itself"
            script={data.find((one) => one.name === name) ?? null}
          />
        )}
      </Loaded>
    </Stack>
  )
}

// Laid out as the command line's download lays them, and as a repository holds them.
function ZipButton({ service, scripts }: { service: string; scripts: ScriptView[] }) {
  const work = useMutation({
    async mutationFn() {
      const { strToU8, zipSync } = await import('fflate')
      const texts = await Promise.all(scripts.map(async ({ name }) => [name, await readScript(service, name)] as const))
      const files = Object.fromEntries(
        texts.map(([name, { text }]) => [`service/${scriptFileOf(name)}`, strToU8(text)]),
      )
      saveFile(`${service}-scripts.zip`, new Blob([zipSync(files)], { type: 'application/zip' }))
    },
  })
  return (
    <>
      <Button
        size="xs"
        variant="default"
        disabled={scripts.length === 0}
        loading={work.isPending}
        onClick={() => work.mutate()}
      >
        All scripts as a zip
      </Button>
      <FaultAlert error={work.error} />
    </>
  )
}
