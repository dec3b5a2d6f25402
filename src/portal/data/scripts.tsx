// The scripts of a table: one for each operation, edited here, every version kept.

import { Button, Group, SegmentedControl, Stack, Table, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { formatBytes } from '../../contract/amounts.ts'
import type { ScriptVersionView, ScriptView, ScriptWrittenView } from '../../contract/api.ts'
import { TABLE_OPERATIONS, type TableOperation } from '../../contract/permissions.ts'
import { scriptsQuery, scriptTextQuery, scriptVersionsQuery } from '../calls/queries.ts'
import { deleteScript, readScript, writeScript } from '../calls/table-changes.ts'
import { formatAge } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Panel } from '../kit/panel.tsx'
import { saveFile } from '../kit/save-file.ts'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'
import { ScriptDiff } from './script-diff.tsx'
import { ScriptEditor } from './script-editor.tsx'
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
            {...{ service, name, operation }}
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
      const files = Object.fromEntries(texts.map(([name, { text }]) => [`service/${name}.js`, strToU8(text)]))
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

type OneProps = { service: string; name: string; operation: TableOperation; script: ScriptView | null }

function OneScript({ service, name, operation, script }: OneProps) {
  const client = useQueryClient()
  const text = useQuery({ ...scriptTextQuery(service, name), enabled: script !== null })
  // Above the editor, which begins anew with every version: what was said of the save stays.
  const save = useMutation({
    mutationFn: (wanted: string) => writeScript(service, name, wanted),
    onSuccess: () => client.invalidateQueries({ queryKey: ['scripts', service] }),
  })
  return (
    <>
      {script === null ? (
        <Edit {...{ service, name, save }} version={null} saved={null} start={emptyScript(operation)} />
      ) : (
        <Loaded query={text} what="the script">
          {(data) => (
            <Edit
              key={data.version}
              {...{ service, name, save }}
              version={data.version}
              saved={data.text}
              start={data.text}
            />
          )}
        </Loaded>
      )}
      <Versions service={service} name={name} current={text.data?.text ?? null} />
    </>
  )
}

type Save = {
  mutate: (text: string) => void
  isPending: boolean
  error: Error | null
  data: ScriptWrittenView | undefined
}
type EditProps = {
  save: Save
  service: string
  name: string
  version: number | null
  saved: string | null
  start: string
}

function Edit({ service, name, version, saved, start, save }: EditProps) {
  const may = useMay()
  const [text, setText] = useState(start)
  const isSaved = text === saved
  return (
    <Panel
      title={name}
      about={
        version === null
          ? 'There is no script: the operation does what it does by itself.'
          : `Version ${version} is in force.`
      }
    >
      <ScriptEditor label={`Script ${name}`} start={start} isReadOnly={!may.change} onChange={setText} />
      <FaultAlert error={save.error} />
      {may.change ? (
        <Group gap="sm">
          <Button onClick={() => save.mutate(text)} loading={save.isPending} disabled={isSaved}>
            Save
          </Button>
          {version === null ? null : (
            <ChangeButton
              label="Delete"
              isDangerous
              variant="outline"
              title={`Delete ${name}`}
              verb="Delete it"
              plan={async () => ['The operation does what it does by itself again', 'Its versions are kept']}
              run={() => deleteScript(service, name)}
            />
          )}
          <Text size="sm" role="status">
            {save.data && isSaved ? savedText(save.data.isRunning) : ''}
          </Text>
        </Group>
      ) : null}
    </Panel>
  )
}

type VersionsProps = { service: string; name: string; current: string | null }

function Versions({ service, name, current }: VersionsProps) {
  const versions = useQuery(scriptVersionsQuery(service, name))
  const [shown, setShown] = useState<number | null>(null)
  const nowMs = useNow()
  // A script that never was has no versions to ask for.
  if (versions.error !== null || (versions.data?.length ?? 0) === 0) return null
  return (
    <Panel title="Versions" about="Open one to see what has changed since.">
      <Wide minWidth={420}>
        <Table aria-label="Versions">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Version</Table.Th>
              <Table.Th>By</Table.Th>
              <Table.Th>When</Table.Th>
              <Table.Th>Size</Table.Th>
              <Table.Th>Compare</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {versions.data?.map((one) => (
              <Table.Tr key={one.version}>
                <Table.Td>{one.version}</Table.Td>
                <Table.Td>{one.principal}</Table.Td>
                <Table.Td>{formatAge(one.createdAt, nowMs)}</Table.Td>
                <Table.Td>{one.bytes === null ? 'deleted' : formatBytes(one.bytes)}</Table.Td>
                <Table.Td>
                  <Compare version={one} isShown={shown === one.version} onShow={setShown} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
      {shown === null ? null : <Difference {...{ service, name, current }} version={shown} />}
    </Panel>
  )
}

type CompareProps = { version: ScriptVersionView; isShown: boolean; onShow: (version: number | null) => void }

function Compare({ version, isShown, onShow }: CompareProps) {
  if (version.hash === null) return null
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      aria-expanded={isShown}
      onClick={() => onShow(isShown ? null : version.version)}
    >
      {isShown ? 'Hide' : 'Show'}
    </Button>
  )
}

function Difference({ service, name, version, current }: VersionsProps & { version: number }) {
  const old = useQuery(scriptTextQuery(service, name, version))
  return (
    <Loaded query={old} what="that version">
      {({ text }) => (
        <>
          <Text size="sm">
            Left: version {version}. Right: what is in force{current === null ? ' (nothing)' : ''}.
          </Text>
          <ScriptDiff before={text} after={current ?? ''} />
        </>
      )}
    </Loaded>
  )
}

function savedText(isRunning: boolean): string {
  return isRunning ? 'Saved, and in force.' : 'Saved. Its home runs it when it can be reached again.'
}
