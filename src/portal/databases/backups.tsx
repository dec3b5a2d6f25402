// What a vault holds of a server, and taking and verifying backups.

import { Checkbox, Group, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { formatBytes } from '../../contract/amounts.ts'
import type { BackupsView, ServerView } from '../../contract/api.ts'
import { backupsQuery } from '../calls/queries.ts'
import { beginBackup, beginVerifyBackups } from '../calls/server-changes.ts'
import { formatAge, formatMoment } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'

export function BackupsPanel({ server }: { server: ServerView }) {
  const may = useMay()
  const backups = useQuery(backupsQuery(server.name))
  return (
    <Panel
      title="Backups"
      about={<Standing server={server} />}
      actions={may.change && server.backup !== null ? <Acts name={server.name} /> : null}
    >
      <Loaded query={backups} what="the vault">
        {(data) => <Content content={data} />}
      </Loaded>
    </Panel>
  )
}

function Standing({ server: { backup } }: { server: ServerView }) {
  const nowMs = useNow()
  if (backup === null) return <>It has no vault.</>
  const { restorableFrom, restorableTo, problem, takenBytes, checkedAt, checkProblem } = backup
  return (
    <>
      {restorableFrom === null || restorableTo === null
        ? 'Nothing can be restored yet. '
        : `Any moment from ${formatMoment(restorableFrom)} to ${formatAge(restorableTo, nowMs)} can be restored. `}
      {takenBytes !== null && takenBytes > 0 ? `A backup is being taken: ${formatBytes(takenBytes)}. ` : ''}
      {problem === null ? '' : `${problem}. `}
      {checkedAt === null
        ? 'Never verified.'
        : `Verified ${formatAge(checkedAt, nowMs)}: ${checkProblem ?? 'all was well'}.`}
    </>
  )
}

function Content({ content: { backups, gaps, problems } }: { content: BackupsView }) {
  return (
    <>
      {[...problems, ...gaps].map((line) => (
        <Text key={line} size="sm">
          {line}
        </Text>
      ))}
      {backups.length === 0 ? (
        <Text size="sm">There is no backup yet.</Text>
      ) : (
        <Wide minWidth={620}>
          <Table aria-label="Backups">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Taken</Table.Th>
                <Table.Th>Id</Table.Th>
                <Table.Th>Data</Table.Th>
                <Table.Th>Stored</Table.Th>
                <Table.Th>Restores to</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {backups.map((backup) => (
                <Table.Tr key={backup.id}>
                  <Table.Td>{formatMoment(backup.endedAt)}</Table.Td>
                  <Table.Td>{backup.id}</Table.Td>
                  <Table.Td>{formatBytes(backup.plainBytes)}</Table.Td>
                  <Table.Td>{formatBytes(backup.storedBytes)}</Table.Td>
                  <Table.Td>
                    {backup.problem ??
                      (backup.restorable === null
                        ? 'nothing'
                        : `${formatMoment(backup.restorable.from)} to ${formatMoment(backup.restorable.to)}`)}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      )}
    </>
  )
}

function Acts({ name }: { name: string }) {
  const [isRestored, setRestored] = useState(false)
  return (
    <Group gap="xs">
      <ChangeButton
        label="Take a backup"
        title={`Back up ${name}`}
        verb="Back up"
        plan={async () => ['Take a base backup into the vault; services go on']}
        run={(key) => beginBackup(name, key)}
      />
      <ChangeButton
        label="Verify"
        title={`Verify the backups of ${name}`}
        verb="Verify"
        form={
          <Stack gap="sm">
            <Text size="sm">It reads what the vault holds and compares it with what was written.</Text>
            <Checkbox
              label="Also restore the newest one aside, and look at it"
              checked={isRestored}
              onChange={(event) => setRestored(event.currentTarget.checked)}
            />
          </Stack>
        }
        run={(key) => beginVerifyBackups(name, { isRestored }, key)}
      />
    </Group>
  )
}
