// Who may sign in, and what they may do; owners only.

import { Group, Stack, Table, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { AccountView, InvitationView, Role } from '../../contract/api.ts'
import { deleteAccount, invite, inviteAgain, setRole } from '../calls/cloud-changes.ts'
import { accountsQuery } from '../calls/queries.ts'
import { formatAge, formatMoment } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { OnceShown } from './once-shown.tsx'
import { RoleSelect } from './role-select.tsx'

const SIGN_IN: Record<AccountView['signInBy'], string> = {
  invited: 'invited, not yet here',
  password: 'password',
  oidc: 'OpenID',
}

export function AccountsPart() {
  const accounts = useQuery(accountsQuery())
  const [link, setLink] = useState<InvitationView | null>(null)
  return (
    <Panel
      title="Accounts"
      about="A reader sees all but keys. An operator also changes. An owner also says who else may, and which machines join."
      actions={<InviteButton onMade={setLink} />}
    >
      <Loaded query={accounts} what="the accounts">
        {(data) => (
          <Wide minWidth={680}>
            <Table aria-label="Accounts">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Role</Table.Th>
                  <Table.Th>Signs in by</Table.Th>
                  <Table.Th>Last seen</Table.Th>
                  <Table.Th>Actions</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.map((account) => (
                  <Row key={account.name} account={account} onLink={setLink} />
                ))}
              </Table.Tbody>
            </Table>
          </Wide>
        )}
      </Loaded>
      <OnceShown
        title={link ? `Invitation of ${link.name}` : 'Invitation'}
        about={
          link
            ? `Give this link to ${link.name}. It works once, until ${formatMoment(link.expiresAt)}; whoever opens it chooses the password.`
            : ''
        }
        secret={link?.url ?? null}
        onClose={() => setLink(null)}
      />
    </Panel>
  )
}

function Row({ account, onLink }: { account: AccountView; onLink: (link: InvitationView) => void }) {
  const nowMs = useNow()
  const { name, role, signInBy, lastSeenAt } = account
  const [wanted, setWanted] = useState<Role>(role)
  return (
    <Table.Tr>
      <Table.Td>{name}</Table.Td>
      <Table.Td>{role}</Table.Td>
      <Table.Td>{SIGN_IN[signInBy]}</Table.Td>
      <Table.Td>{lastSeenAt === null ? 'never' : formatAge(lastSeenAt, nowMs)}</Table.Td>
      <Table.Td>
        <Group gap={4} wrap="nowrap">
          <ChangeButton
            label="Role"
            isSmall
            variant="subtle"
            title={`The role of ${name}`}
            verb="Set it"
            form={<RoleSelect value={wanted} onChange={setWanted} />}
            isFormReady={wanted !== role}
            run={() => setRole(name, { role: wanted })}
          />
          {signInBy === 'oidc' ? null : (
            <ChangeButton
              label="New link"
              isSmall
              variant="subtle"
              title={`A new invitation for ${name}`}
              verb="Make a link"
              plan={async () => [`Whoever opens the link chooses a new password for ${name}`]}
              run={async () => onLink(await inviteAgain(name))}
            />
          )}
          <ChangeButton
            label="Remove"
            isSmall
            isDangerous
            variant="subtle"
            title={`Remove ${name}`}
            verb="Remove"
            plan={async () => [`${name} is signed out everywhere, and cannot sign in any more`]}
            run={() => deleteAccount(name)}
          />
        </Group>
      </Table.Td>
    </Table.Tr>
  )
}

function InviteButton({ onMade }: { onMade: (link: InvitationView) => void }) {
  const [name, setName] = useState('')
  const [role, setRoleWanted] = useState<Role>('operator')
  return (
    <ChangeButton
      label="Invite"
      icon={<Icon name="plus" />}
      title="Invite somebody"
      verb="Make an invitation"
      form={
        <Stack gap="sm">
          <TextInput
            label="Name"
            description="What they type to sign in; an address is good."
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
          <RoleSelect value={role} onChange={setRoleWanted} />
        </Stack>
      }
      isFormReady={name.trim() !== ''}
      run={async () => {
        onMade(await invite({ name: name.trim(), role }))
        setName('')
      }}
    />
  )
}
