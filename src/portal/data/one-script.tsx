// One script: its text, edited here, and its versions.
import { Button, Group, Table, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { formatBytes } from '../../contract/amounts.ts'
import type { ScriptVersionView, ScriptView, ScriptWrittenView } from '../../contract/api.ts'
import { scriptTextQuery, scriptVersionsQuery } from '../calls/queries.ts'
import { deleteScript, writeScript } from '../calls/table-changes.ts'
import { formatAge } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'
import { ScriptDiff } from './script-diff.tsx'
import { ScriptEditor } from './script-editor.tsx'

type OneProps = {
  service: string
  name: string
  /** What it begins as. */
  start: string
  /** What is without it, as the rest of a sentence. */
  without: string
  script: ScriptView | null
}

export function OneScript({ service, name, start, without, script }: OneProps) {
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
        <Edit {...{ service, name, without, save }} version={null} saved={null} start={start} />
      ) : (
        <Loaded query={text} what="the script">
          {(data) => (
            <Edit
              key={data.version}
              {...{ service, name, without, save }}
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
  without: string
  version: number | null
  saved: string | null
  start: string
}

function Edit({ service, name, without, version, saved, start, save }: EditProps) {
  const may = useMay()
  const [text, setText] = useState(start)
  const isSaved = text === saved
  return (
    <Panel
      title={name}
      about={version === null ? `There is no script yet: ${without}.` : `Version ${version} is in force.`}
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
              plan={async () => [`Without it ${without}`, 'Its versions are kept']}
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
