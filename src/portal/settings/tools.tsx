// Client certificates of the original's own command line; owners only.

import { Anchor, Code, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { createPublishSettings, revokeToolCertificate } from '../calls/cloud-changes.ts'
import { authorityQuery, subscriptionQuery, toolCertificatesQuery } from '../calls/queries.ts'
import { formatAge, formatMoment } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Panel } from '../kit/panel.tsx'
import { saveFile } from '../kit/save-file.ts'
import { Wide } from '../kit/wide.tsx'
import { type Credential, CredentialForm } from './credential-form.tsx'

export function ToolsPart() {
  const certificates = useQuery(toolCertificatesQuery())
  const nowMs = useNow()
  return (
    <Panel
      title="The original's command line"
      about="azure account import reads publish settings: a client certificate with its key. What is done with it is noted under its name."
      actions={<CreateButton />}
    >
      <Stack gap="md">
        <Endpoint />
        <Loaded query={certificates} what="the certificates">
          {(data) =>
            data.length === 0 ? (
              <Text size="sm">There is no certificate.</Text>
            ) : (
              <Wide minWidth={620}>
                <Table aria-label="Certificates of tools">
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Name</Table.Th>
                      <Table.Th>Role</Table.Th>
                      <Table.Th>Made</Table.Th>
                      <Table.Th>Good</Table.Th>
                      <Table.Th>Last used</Table.Th>
                      <Table.Th>Actions</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {data.map((one) => (
                      <Table.Tr key={one.id}>
                        <Table.Td>{one.name}</Table.Td>
                        <Table.Td>{one.role}</Table.Td>
                        <Table.Td>{formatMoment(one.createdAt)}</Table.Td>
                        <Table.Td>
                          {one.revokedAt === null
                            ? `until ${formatMoment(one.expiresAt)}`
                            : `revoked ${formatMoment(one.revokedAt)}`}
                        </Table.Td>
                        <Table.Td>{one.lastUsedAt === null ? 'never' : formatAge(one.lastUsedAt, nowMs)}</Table.Td>
                        <Table.Td>
                          {one.revokedAt === null ? <RevokeButton id={one.id} name={one.name} /> : null}
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Wide>
            )
          }
        </Loaded>
      </Stack>
    </Panel>
  )
}

function Endpoint() {
  const subscription = useQuery(subscriptionQuery())
  const authority = useQuery(authorityQuery())
  const certificate = authority.data?.certificate ?? null
  return (
    <Loaded query={subscription} what="the endpoint">
      {({ endpoint, id }) =>
        endpoint === null ? (
          <Text size="sm">The management endpoint is off: start control with --management-port.</Text>
        ) : (
          <Text size="sm">
            It is answered at <Code>{endpoint}/</Code>, for the subscription <Code>{id}</Code>.{' '}
            {certificate === null ? null : (
              <Anchor
                component="button"
                size="sm"
                onClick={() => saveFile('mainstay.pem', new Blob([certificate], { type: 'application/x-pem-file' }))}
              >
                Save the certificate to trust
              </Anchor>
            )}
          </Text>
        )
      }
    </Loaded>
  )
}

function RevokeButton({ id, name }: { id: string; name: string }) {
  return (
    <ChangeButton
      label="Revoke"
      isSmall
      isDangerous
      variant="subtle"
      title={`Revoke the certificate ${name}`}
      verb="Revoke"
      plan={async () => ['Whatever calls with it is refused from now on']}
      run={() => revokeToolCertificate(id)}
    />
  )
}

function CreateButton() {
  const [wanted, setWanted] = useState<Credential>({ name: '', role: 'operator', days: '30' })
  const name = wanted.name.trim()
  return (
    <ChangeButton
      label="Save publish settings"
      icon={<Icon name="plus" />}
      title="Save publish settings"
      verb="Make and save"
      form={<CredentialForm label="Who it is for" value={wanted} onChange={setWanted} />}
      isFormReady={name !== ''}
      run={async () => {
        const made = await createPublishSettings({ name, role: wanted.role, days: Number(wanted.days) })
        saveFile('mainstay.publishsettings', new Blob([made.file], { type: 'application/xml' }))
        setWanted({ ...wanted, name: '' })
      }}
    />
  )
}
