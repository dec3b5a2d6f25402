// Whom incidents are told to.

import { Button, Group, NativeSelect, Stack, Table, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { NewNoticeTarget, NoticeTargetView } from '../../contract/api.ts'
import { addTarget, removeTarget, tryTarget } from '../calls/cloud-changes.ts'
import { noticeTargetsQuery } from '../calls/queries.ts'
import { formatAge } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'
import { OnceShown } from './once-shown.tsx'

export function NoticesPart() {
  const may = useMay()
  const targets = useQuery(noticeTargetsQuery())
  const [secret, setSecret] = useState<string | null>(null)
  return (
    <Panel
      title="Notices"
      about="Whom incidents are told to, when they open, change and end."
      actions={may.change ? <AddButton onSecret={setSecret} /> : null}
    >
      <Loaded query={targets} what="the targets">
        {(data) =>
          data.length === 0 ? (
            <Text size="sm">Nobody is told anything yet.</Text>
          ) : (
            <Wide minWidth={620}>
              <Table aria-label="Targets of notices">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>By</Table.Th>
                    <Table.Th>To</Table.Th>
                    <Table.Th>Told when it is</Table.Th>
                    <Table.Th>Last sent</Table.Th>
                    {may.change ? <Table.Th>Actions</Table.Th> : null}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map((target) => (
                    <Row key={target.id} target={target} isChangeable={may.change} />
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
          )
        }
      </Loaded>
      <OnceShown
        title="What the webhook is signed with"
        about="Give it to whoever receives the webhook: it is not shown again."
        secret={secret}
        onClose={() => setSecret(null)}
      />
    </Panel>
  )
}

function Row({ target, isChangeable }: { target: NoticeTargetView; isChangeable: boolean }) {
  const nowMs = useNow()
  const { id, kind, severity, lastSentAt, problem } = target
  const attempt = useMutation({ mutationFn: () => tryTarget(id) })
  return (
    <Table.Tr>
      <Table.Td>{kind === 'email' ? 'mail' : 'webhook'}</Table.Td>
      <Table.Td>{target.target}</Table.Td>
      <Table.Td>{severity === 'Degraded' ? 'Degraded or worse' : 'Unhealthy'}</Table.Td>
      <Table.Td>
        {lastSentAt === null ? 'never' : formatAge(lastSentAt, nowMs)}
        {problem === null ? null : (
          <Text size="xs" c="dimmed">
            {problem}
          </Text>
        )}
      </Table.Td>
      {isChangeable ? (
        <Table.Td>
          <Group gap={4} wrap="nowrap">
            <Button variant="subtle" size="compact-sm" onClick={() => attempt.mutate()} loading={attempt.isPending}>
              {attempt.isSuccess ? 'Sent' : 'Send a test'}
            </Button>
            <ChangeButton
              label="Remove"
              isSmall
              isDangerous
              variant="subtle"
              title={`Remove ${target.target}`}
              verb="Remove"
              plan={async () => ['It is told nothing any more']}
              run={() => removeTarget(id)}
            />
          </Group>
          <FaultAlert error={attempt.error} />
        </Table.Td>
      ) : null}
    </Table.Tr>
  )
}

function AddButton({ onSecret }: { onSecret: (secret: string | null) => void }) {
  const [wish, setWish] = useState<NewNoticeTarget>({ kind: 'webhook', target: '', severity: 'Degraded' })
  const set = (part: Partial<NewNoticeTarget>) => setWish({ ...wish, ...part })
  return (
    <ChangeButton
      label="Add"
      icon={<Icon name="plus" />}
      title="Tell somebody"
      verb="Add"
      form={
        <Stack gap="sm">
          <NativeSelect
            label="By"
            value={wish.kind}
            onChange={(event) => set({ kind: event.currentTarget.value as NewNoticeTarget['kind'] })}
            data={[
              { value: 'webhook', label: 'webhook' },
              { value: 'email', label: 'mail' },
            ]}
          />
          <TextInput
            label={wish.kind === 'webhook' ? 'URL' : 'Address'}
            placeholder={wish.kind === 'webhook' ? 'https://example.com/hooks/mainstay' : 'ops@example.com'}
            value={wish.target}
            onChange={(event) => set({ target: event.currentTarget.value })}
            autoComplete="off"
          />
          <NativeSelect
            label="Told when something is"
            value={wish.severity}
            onChange={(event) => set({ severity: event.currentTarget.value as NewNoticeTarget['severity'] })}
            data={[
              { value: 'Degraded', label: 'Degraded or worse' },
              { value: 'Unhealthy', label: 'Unhealthy' },
            ]}
          />
        </Stack>
      }
      isFormReady={wish.target.trim() !== ''}
      run={async () => {
        const { secret } = await addTarget({ ...wish, target: wish.target.trim() })
        onSecret(secret)
        set({ target: '' })
      }}
    />
  )
}
