// Who changed what, before and after.

import { Anchor, Code, Table, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import type { AuditView } from '../../contract/api.ts'
import { auditQuery } from '../calls/queries.ts'
import { formatMoment } from '../kit/amounts.ts'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import styles from './audit.module.css'

const TOP = 200
const TYPING_MS = 300

export function AuditPart() {
  const [text, setText] = useState('')
  const [subject] = useDebouncedValue(text.trim(), TYPING_MS)
  const audit = useQuery(auditQuery({ top: TOP, ...(subject === '' ? {} : { subject }) }))
  return (
    <Panel title="Audit" about={`The last ${TOP} changes that people and programs asked for.`}>
      <TextInput
        aria-label="Find by subject"
        placeholder="Subject: a service, a server, SERVICE/TABLE"
        leftSection={<Icon name="search" />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        maw={380}
      />
      <Loaded query={audit} what="the audit">
        {(data) =>
          data.length === 0 ? (
            <Text size="sm">Nothing was changed.</Text>
          ) : (
            <Wide minWidth={760}>
              <Table aria-label="Audit">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>When</Table.Th>
                    <Table.Th>Who</Table.Th>
                    <Table.Th>What</Table.Th>
                    <Table.Th>Subject</Table.Th>
                    <Table.Th>Before and after</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map((entry) => (
                    <Row key={entry.id} entry={entry} />
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
          )
        }
      </Loaded>
    </Panel>
  )
}

function Row({ entry }: { entry: AuditView }) {
  const { at, principal, action, subject, before, after, operation } = entry
  return (
    <Table.Tr className={styles.row ?? ''}>
      <Table.Td>{formatMoment(at)}</Table.Td>
      <Table.Td>{principal}</Table.Td>
      <Table.Td>
        {operation === null ? (
          action
        ) : (
          <Anchor component={Link} href={`/operations/${operation}`} size="sm">
            {action}
          </Anchor>
        )}
      </Table.Td>
      <Table.Td>{subject}</Table.Td>
      <Table.Td>
        {before === null ? null : <Code className={styles.value ?? ''}>{JSON.stringify(before)}</Code>}
        {before !== null && after !== null ? ' → ' : null}
        {after === null ? null : <Code className={styles.value ?? ''}>{JSON.stringify(after)}</Code>}
      </Table.Td>
    </Table.Tr>
  )
}
