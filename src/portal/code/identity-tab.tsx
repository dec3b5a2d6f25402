// The tab Identity: the providers through which users of the apps sign in.
import { Anchor, Group, PasswordInput, Stack, Table, TagsInput, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { AuthProviderView, ServiceView, SetAuthProvider } from '../../contract/api.ts'
import { isKnownProvider, KNOWN_PROVIDERS, type KnownProvider } from '../../contract/auth-provider.ts'
import { deleteAuthProvider, setAuthProvider } from '../calls/code-changes.ts'
import { authProvidersQuery } from '../calls/queries.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { CommandLine } from '../kit/command-line.tsx'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'

const TITLES: Record<KnownProvider, string> = {
  facebook: 'Facebook',
  twitter: 'Twitter',
  google: 'Google',
  microsoftaccount: 'Microsoft account',
  aad: 'Azure AD (Entra ID)',
}
const HIDDEN = '(not shown to readers)'

export function IdentityTab({ service, part }: { service: ServiceView; part: string | undefined }) {
  const providers = useQuery(authProvidersQuery(service.name))
  return (
    <Loaded query={providers} what="the providers">
      {(data) => {
        if (part === undefined) return <Overview service={service.name} providers={data} />
        const found = data.find(({ provider }) => provider === part)
        if (!found && !isKnownProvider(part)) return <Text size="sm">There is no such provider.</Text>
        return <OneProvider key={JSON.stringify(found)} service={service.name} name={part} view={found} />
      }}
    </Loaded>
  )
}

function Overview({ service, providers }: { service: string; providers: AuthProviderView[] }) {
  const may = useMay()
  const own = providers.filter(({ provider }) => !isKnownProvider(provider)).map(({ provider }) => provider)
  return (
    <Panel
      title="Providers"
      about="Users of your apps sign in through these, at /login/PROVIDER. An API of yours can also make tokens."
      actions={may.change ? <OwnProviderButton service={service} taken={own} /> : null}
    >
      <Wide minWidth={420}>
        <Table highlightOnHover aria-label="Providers">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Provider</Table.Th>
              <Table.Th>App there</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {[...KNOWN_PROVIDERS, ...own].map((name) => (
              <Table.Tr key={name}>
                <Table.Td>
                  <Anchor component={Link} href={`/services/${service}/identity/${name}`} fw={600} size="sm">
                    {titleOf(name)}
                  </Anchor>
                </Table.Td>
                <Table.Td>{providers.find(({ provider }) => provider === name)?.appId ?? 'not set up'}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Wide>
    </Panel>
  )
}

function OwnProviderButton({ service, taken }: { service: string; taken: string[] }) {
  const [, goTo] = useLocation()
  const [name, setName] = useState('')
  const [draft, setDraft] = useState<SetAuthProvider>({ issuer: '', appId: '', secret: '' })
  const isTaken = taken.includes(name.trim().toLowerCase())
  const isReady = !isTaken && [name, draft.issuer, draft.appId, draft.secret].every((text) => text?.trim())
  return (
    <ChangeButton
      label="Add an OpenID provider"
      icon={<Icon name="plus" />}
      title="Add an OpenID Connect provider"
      verb="Add"
      form={
        <Stack gap="sm">
          <TextInput
            label="Name"
            description="A word of its URLs; ids of its users begin so."
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={isTaken ? 'There is one of that name.' : null}
            autoComplete="off"
            data-autofocus
          />
          <Fields name="own" draft={draft} onChange={setDraft} isNew />
        </Stack>
      }
      isFormReady={isReady}
      run={() => setAuthProvider(service, name.trim(), filled(draft))}
      onDone={() => goTo(`/services/${service}/identity/${name.trim().toLowerCase()}`)}
    />
  )
}

type OneProps = { service: string; name: string; view: AuthProviderView | undefined }

function OneProvider({ service, name, view }: OneProps) {
  const may = useMay()
  const [, goTo] = useLocation()
  const [draft, setDraft] = useState<SetAuthProvider>(() => draftOf(name, view))
  const home = `/services/${service}/identity`
  const isChanged = JSON.stringify(draft) !== JSON.stringify(draftOf(name, view))
  return (
    <Stack gap="md">
      <Text size="sm">
        <Anchor component={Link} href={home} size="sm" underline="always">
          Providers
        </Anchor>{' '}
        / <strong>{titleOf(name)}</strong>
      </Text>
      <Panel title="Client">
        {may.change ? (
          <Stack gap="sm" maw={520}>
            <Fields name={name} draft={draft} onChange={setDraft} isNew={view === undefined} />
            <Group gap="xs">
              <ChangeButton
                label="Save"
                variant="filled"
                isDisabled={
                  !isChanged || !draft.appId?.trim() || (view === undefined && name !== 'aad' && !draft.secret)
                }
                title={`Sign-in through ${titleOf(name)}`}
                verb="Save"
                plan={async () => ['Who signs in from now on does so through this client', 'Tokens stay valid']}
                run={() => setAuthProvider(service, name, view === undefined ? filled(draft) : changed(draft))}
              />
            </Group>
          </Stack>
        ) : (
          <Facts view={view} />
        )}
      </Panel>
      {view === undefined ? null : (
        <Panel
          title="Redirect URIs"
          about="Enter these at the provider: the first for old clients, the second for later ones."
        >
          {view.redirectUris.map((uri) => (
            <CommandLine key={uri} command={uri} label="Copy the URI" />
          ))}
        </Panel>
      )}
      {view !== undefined && may.change ? (
        <Panel title="Delete the provider">
          <div>
            <ChangeButton
              label="Delete"
              isDangerous
              variant="outline"
              title={`Delete the provider ${titleOf(name)}`}
              verb="Delete it"
              plan={async () => [
                'Nobody signs in through it any more',
                'Tokens that it led to stay valid until they run out',
              ]}
              run={() => deleteAuthProvider(service, name)}
              onDone={() => goTo(home)}
            />
          </div>
        </Panel>
      ) : null}
    </Stack>
  )
}

type FieldsProps = {
  name: string
  draft: SetAuthProvider
  onChange: (draft: SetAuthProvider) => void
  isNew: boolean
}

function Fields({ name, draft, onChange, isNew }: FieldsProps) {
  const text = (key: 'appId' | 'issuer' | 'scope' | 'packageSid' | 'endpoint', label: string, description?: string) => (
    <TextInput
      label={label}
      {...(description === undefined ? {} : { description })}
      value={draft[key] ?? ''}
      onChange={(event) => onChange({ ...draft, [key]: event.currentTarget.value })}
      autoComplete="off"
    />
  )
  const list = (key: 'audiences' | 'tenants', label: string, description: string) => (
    <TagsInput
      label={label}
      description={description}
      value={draft[key] ?? []}
      onChange={(values) => onChange({ ...draft, [key]: values })}
    />
  )
  const isOwn = !isKnownProvider(name)
  return (
    <>
      {isOwn ? text('issuer', 'Issuer', 'An https:// URL; its discovery document is read there.') : null}
      {text('appId', 'Client id')}
      <PasswordInput
        label="Client secret"
        {...(isNew ? {} : { description: 'Leave it empty to keep the one that is set.' })}
        value={draft.secret ?? ''}
        onChange={(event) => onChange({ ...draft, secret: event.currentTarget.value })}
        autoComplete="off"
      />
      {name === 'aad' ? list('tenants', 'Tenants', 'Whose people come in, by id or domain. None: nobody.') : null}
      {isOwn ? text('scope', 'Scope', 'Permissions that are asked for beside openid.') : null}
      {name === 'microsoftaccount' ? text('packageSid', 'Package SID', 'Of a Windows app, for single sign-on.') : null}
      {name === 'facebook' || name === 'twitter'
        ? null
        : list('audiences', 'Other client ids', 'Those of native apps, whose tokens are taken as well.')}
      {isOwn ? null : text('endpoint', 'Reached at', 'Only for tests, and where the real address can not be reached.')}
    </>
  )
}

function draftOf(name: string, view: AuthProviderView | undefined): SetAuthProvider {
  return {
    appId: view?.appId ?? '',
    secret: '',
    ...(isKnownProvider(name)
      ? { endpoint: view?.endpoint ?? '' }
      : { issuer: view?.issuer ?? '', scope: view?.scope ?? '' }),
    ...(name === 'aad' ? { tenants: view?.tenants ?? [] } : {}),
    ...(name === 'microsoftaccount' ? { packageSid: view?.packageSid ?? '' } : {}),
    ...(name === 'facebook' || name === 'twitter' ? {} : { audiences: view?.audiences ?? [] }),
  }
}

// Of a new one, what was left empty is not said at all.
function filled(draft: SetAuthProvider): SetAuthProvider {
  return Object.fromEntries(
    Object.entries(trimmed(draft)).filter(([, value]) => value !== undefined && value.length > 0),
  )
}

// Of one that is set up, an empty secret is the one that it has.
function changed(draft: SetAuthProvider): SetAuthProvider {
  const { secret, ...rest } = trimmed(draft)
  return secret ? { ...rest, secret } : rest
}

function trimmed(draft: SetAuthProvider): SetAuthProvider {
  return Object.fromEntries(
    Object.entries(draft).map(([name, value]) => [name, typeof value === 'string' ? value.trim() : value]),
  )
}

function Facts({ view }: { view: AuthProviderView | undefined }) {
  if (view === undefined) return <Text size="sm">It is not set up.</Text>
  const { appId, secret, issuer, tenants, scope, audiences, packageSid, endpoint } = view
  return (
    <Pairs
      pairs={[
        ['Client id', appId],
        ['Client secret', secret === '' ? 'none' : HIDDEN],
        ['Issuer', issuer],
        ['Tenants', tenants && (tenants.join(', ') || 'none: nobody comes in')],
        ['Scope', scope],
        ['Other client ids', audiences.join(', ') || null],
        ['Package SID', packageSid],
        ['Reached at', endpoint],
      ]}
    />
  )
}

function titleOf(name: string): string {
  return isKnownProvider(name) ? TITLES[name] : name
}
