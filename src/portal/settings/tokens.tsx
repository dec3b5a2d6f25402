// Tokens of programs and of the command line; owners only.

import { Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { NewTokenView } from '../../contract/api.ts'
import { createToken, deleteToken } from '../calls/cloud-changes.ts'
import { tokensQuery } from '../calls/queries.ts'
import { formatAge, formatMoment } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { type Credential, CredentialForm } from './credential-form.tsx'
import { OnceShown } from './once-shown.tsx'

const FOR_EVER = { value: 'for-ever', label: 'until it is revoked' }

export function TokensPart() {
  const tokens = useQuery(tokensQuery())
  const nowMs = useNow()
  const [made, setMade] = useState<NewTokenView | null>(null)
  return (
    <Panel
      title="Tokens"
      about="What programs and the command line call with. What is done with one is noted under its name."
      actions={<CreateButton onMade={setMade} />}
    >
      <Loaded query={tokens} what="the tokens">
        {(data) =>
          data.length === 0 ? (
            <Text size="sm">There is none.</Text>
          ) : (
            <Wide minWidth={620}>
              <Table aria-label="Tokens">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Name</Table.Th>
                    <Table.Th>Role</Table.Th>
                    <Table.Th>Made</Table.Th>
                    <Table.Th>Until</Table.Th>
                    <Table.Th>Last used</Table.Th>
                    <Table.Th>Actions</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map((token) => (
                    <Table.Tr key={token.id}>
                      <Table.Td>{token.name}</Table.Td>
                      <Table.Td>{token.role}</Table.Td>
                      <Table.Td>{formatMoment(token.createdAt)}</Table.Td>
                      <Table.Td>{token.expiresAt === null ? 'it is revoked' : formatMoment(token.expiresAt)}</Table.Td>
                      <Table.Td>{token.lastUsedAt === null ? 'never' : formatAge(token.lastUsedAt, nowMs)}</Table.Td>
                      <Table.Td>
                        <ChangeButton
                          label="Revoke"
                          isSmall
                          isDangerous
                          variant="subtle"
                          title={`Revoke the token ${token.name}`}
                          verb="Revoke"
                          plan={async () => ['Whatever calls with it is refused from now on']}
                          run={() => deleteToken(token.id)}
                        />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
          )
        }
      </Loaded>
      <OnceShown
        title="The new token"
        about="Keep it where secrets are kept: it is not shown again."
        secret={made?.token ?? null}
        onClose={() => setMade(null)}
      />
    </Panel>
  )
}

function CreateButton({ onMade }: { onMade: (made: NewTokenView) => void }) {
  const [wanted, setWanted] = useState<Credential>({ name: '', role: 'operator', days: '90' })
  const name = wanted.name.trim()
  const form = <CredentialForm label="What it is for" lives={[FOR_EVER]} value={wanted} onChange={setWanted} />
  return (
    <ChangeButton
      label="Create a token"
      icon={<Icon name="plus" />}
      title="Create a token"
      verb="Create"
      form={form}
      isFormReady={name !== ''}
      run={async () => {
        const { role, days } = wanted
        onMade(await createToken({ name, role, days: days === FOR_EVER.value ? null : Number(days) }))
        setWanted({ ...wanted, name: '' })
      }}
    />
  )
}
