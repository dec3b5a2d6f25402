// The tab Logs: what the scripts of a service said, the newest first, as it goes on.
import { Button, Group, NativeSelect, Stack, Table, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { LogEntryView, ServiceView } from '../../contract/api.ts'
import { LOG_TYPES } from '../../contract/service-log.ts'
import { logQuery } from '../calls/queries.ts'
import { Loaded } from '../kit/loaded.tsx'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'

const LINES_SHOWN = 100

export function LogsTab({ service }: { service: ServiceView }) {
  const [type, setType] = useState('')
  const [wanted, setWanted] = useState('')
  const [search, setSearch] = useState('')
  const [older, setOlder] = useState<string | null>(null)
  const log = useQuery(
    logQuery(service.name, {
      top: LINES_SHOWN,
      ...(type === '' ? {} : { type }),
      ...(search === '' ? {} : { search }),
      ...(older === null ? {} : { continuationToken: older }),
    }),
  )
  return (
    <Panel title="Logs" about="What the scripts of this service said, and why they failed.">
      <Stack gap="sm">
        <form
          onSubmit={(event) => {
            event.preventDefault()
            setOlder(null)
            setSearch(wanted.trim())
          }}
        >
          <Group gap="sm" align="end">
            <NativeSelect
              label="Type"
              value={type}
              onChange={(event) => {
                setOlder(null)
                setType(event.currentTarget.value)
              }}
              data={[{ value: '', label: 'all' }, ...LOG_TYPES.map((one) => ({ value: one, label: one }))]}
            />
            <TextInput
              label="With this text"
              value={wanted}
              onChange={(event) => setWanted(event.currentTarget.value)}
              autoComplete="off"
            />
            <Button type="submit" variant="default">
              Search
            </Button>
          </Group>
        </form>
        <Loaded query={log} what="the log">
          {({ results, continuationToken }) => (
            <>
              {results.length === 0 ? <Text size="sm">There are no such lines.</Text> : <Lines lines={results} />}
              <Group gap="sm">
                {older === null ? null : (
                  <Button size="xs" variant="default" onClick={() => setOlder(null)}>
                    The newest
                  </Button>
                )}
                {continuationToken === null ? null : (
                  <Button size="xs" variant="default" onClick={() => setOlder(continuationToken)}>
                    Older ones
                  </Button>
                )}
              </Group>
            </>
          )}
        </Loaded>
      </Stack>
    </Panel>
  )
}

function Lines({ lines }: { lines: LogEntryView[] }) {
  return (
    <Wide minWidth={640}>
      <Table aria-label="Lines">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>When</Table.Th>
            <Table.Th>Type</Table.Th>
            <Table.Th>Source</Table.Th>
            <Table.Th>Message</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {lines.map(({ id, timeCreated, type, source, message }) => (
            <Table.Tr key={id}>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>{timeCreated}</Table.Td>
              <Table.Td>
                <Text size="sm" fw={type === 'error' ? 700 : 400}>
                  {type}
                </Text>
              </Table.Td>
              <Table.Td>{source ?? ''}</Table.Td>
              <Table.Td>
                <Text size="xs" ff="monospace" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
                  {message}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  )
}
