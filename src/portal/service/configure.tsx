// The tab Configure: settings, domains, the database, and the end of the service.
import { Button, Checkbox, Group, NativeSelect, NumberInput, Stack, Switch, TagsInput, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { formatMs } from '../../contract/amounts.ts'
import type { ServiceSettings, ServiceView } from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'
import { BODY_KB_MAX, HSTS_SECONDS_MAX } from '../../contract/assignment.ts'
import { pathOf } from '../calls/call.ts'
import { serversQuery, settingsQuery } from '../calls/queries.ts'
import {
  beginChangeDatabase,
  beginDelete,
  changeSettings,
  planChangeDatabase,
  planDelete,
  planSettings,
} from '../calls/service-changes.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { CommandLine } from '../kit/command-line.tsx'
import { useLastKnown } from '../kit/last-known.ts'
import { Loaded } from '../kit/loaded.tsx'
import { Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { useMay } from '../session/session.ts'
import { CertificatesPanel, DomainsPanel } from './domains.tsx'
import { SourcePanel } from './source-panel.tsx'

export function ConfigureTab({ service }: { service: ServiceView }) {
  const may = useMay()
  const settings = useQuery(settingsQuery(service.name))
  return (
    <Stack gap="md">
      <Panel title="Settings">
        <Loaded query={settings} what="the settings">
          {(data) =>
            may.change ? (
              <SettingsForm key={JSON.stringify(data)} service={service.name} settings={data} />
            ) : (
              <SettingsFacts settings={data} />
            )
          }
        </Loaded>
      </Panel>
      <SourcePanel service={service.name} />
      <DomainsPanel service={service.name} />
      <CertificatesPanel service={service.name} />
      {may.change ? <DatabasePanel service={service} /> : null}
      {may.change ? <ExportPanel name={service.name} /> : null}
      {may.change ? <EndPanel service={service} /> : null}
    </Stack>
  )
}

function SettingsFacts({ settings }: { settings: ServiceSettings }) {
  const { isSchemaDynamic, isKeyRequired, crossDomainWhitelist, isHttpsRequired, bodyKb, lossMsMax } = settings
  const { loginRedirects } = settings
  const { isHttpsRedirected, hstsSeconds } = settings
  return (
    <Pairs
      pairs={[
        ['Dynamic schema', isSchemaDynamic ? 'on: writes may add columns' : 'off'],
        ['Application key', isKeyRequired ? 'asked of every client' : 'not asked of clients that know none'],
        ['Pages that may call it', crossDomainWhitelist.join(', ') || 'none'],
        ['Plain HTTP', isHttpsRequired ? 'is refused' : 'is taken'],
        ['Plain HTTP at the gateways', isHttpsRedirected ? 'is sent to HTTPS' : 'is passed on'],
        ['Browsers come by HTTPS only', hstsSeconds === 0 ? 'are not told to' : `for ${hstsSeconds} s`],
        ['Largest body', `${bodyKb} KiB`],
        ['A sign-in may be handed over to', loginRedirects.join(', ') || 'no URL'],
        ['Loss that a recovery may cost', formatMs(lossMsMax)],
      ]}
    />
  )
}

function SettingsForm({ service, settings }: { service: string; settings: ServiceSettings }) {
  const [isSchemaDynamic, setSchemaDynamic] = useState(settings.isSchemaDynamic)
  const [isKeyRequired, setKeyRequired] = useState(settings.isKeyRequired)
  const [origins, setOrigins] = useState(settings.crossDomainWhitelist)
  const [isHttpsRequired, setHttpsRequired] = useState(settings.isHttpsRequired)
  const [redirects, setRedirects] = useState(settings.loginRedirects)
  const [isHttpsRedirected, setHttpsRedirected] = useState(settings.isHttpsRedirected)
  const [hstsSeconds, setHstsSeconds] = useState<number | string>(settings.hstsSeconds)
  const [bodyKb, setBodyKb] = useState<number | string>(settings.bodyKb)
  const [seconds, setSeconds] = useState<number | string>(settings.lossMsMax / 1_000)
  const lossMsMax = Math.round(Number(seconds) * 1_000)
  const wanted = {
    ...(isSchemaDynamic === settings.isSchemaDynamic ? {} : { isSchemaDynamic }),
    ...(isKeyRequired === settings.isKeyRequired ? {} : { isKeyRequired }),
    ...(origins.join() === settings.crossDomainWhitelist.join() ? {} : { crossDomainWhitelist: origins }),
    ...(isHttpsRequired === settings.isHttpsRequired ? {} : { isHttpsRequired }),
    ...(isHttpsRedirected === settings.isHttpsRedirected ? {} : { isHttpsRedirected }),
    ...(Number(hstsSeconds) === settings.hstsSeconds ? {} : { hstsSeconds: Number(hstsSeconds) }),
    ...(Number(bodyKb) === settings.bodyKb ? {} : { bodyKb: Number(bodyKb) }),
    ...(redirects.join() === settings.loginRedirects.join() ? {} : { loginRedirects: redirects }),
    ...(lossMsMax === settings.lossMsMax ? {} : { lossMsMax }),
  }
  const isChanged = Object.keys(wanted).length > 0 && ![seconds, bodyKb, hstsSeconds].includes('')
  return (
    <Stack gap="sm" maw={520}>
      <Switch
        label="Dynamic schema"
        description="Writes may add columns to tables. Turn it off when the app is finished."
        checked={isSchemaDynamic}
        onChange={(event) => setSchemaDynamic(event.currentTarget.checked)}
      />
      <Switch
        label="Application key of every client"
        description="Clients of the second generation know none. Where it is asked of them too, they reach public tables only."
        checked={isKeyRequired}
        onChange={(event) => setKeyRequired(event.currentTarget.checked)}
      />
      <TagsInput
        label="Pages that may call it"
        description="Host names without port, with one * each; null for pages of files."
        value={origins}
        onChange={setOrigins}
      />
      <Switch
        label="HTTPS only"
        description="Plain HTTP is refused."
        checked={isHttpsRequired}
        onChange={(event) => setHttpsRequired(event.currentTarget.checked)}
      />
      <Switch
        label="Send plain HTTP to HTTPS"
        description="Gateways answer plain HTTP with the same address by HTTPS, where they have it."
        checked={isHttpsRedirected}
        onChange={(event) => setHttpsRedirected(event.currentTarget.checked)}
      />
      <NumberInput
        label="Browsers are to come by HTTPS only, in seconds (HSTS)"
        description="Told to those that came by HTTPS. They keep to it for so long, whatever is changed here; 0 tells them nothing."
        value={hstsSeconds}
        onChange={setHstsSeconds}
        min={0}
        max={HSTS_SECONDS_MAX}
        allowDecimal={false}
        w={280}
      />
      <NumberInput
        label="Largest body of a request, in KiB"
        value={bodyKb}
        onChange={setBodyKb}
        min={1}
        max={BODY_KB_MAX}
        allowDecimal={false}
        w={280}
      />
      <TagsInput
        label="URLs to which a sign-in may be handed over"
        description="Of web pages and of apps, as myapp://signed-in; each with all below it."
        value={redirects}
        onChange={setRedirects}
      />
      <NumberInput
        label="Loss that a recovery may cost, in seconds of writes"
        description="A recovery that is predicted to lose more wants to be told so."
        value={seconds}
        onChange={setSeconds}
        min={0}
        max={2_000_000}
        decimalScale={3}
        w={280}
      />
      <Group gap="xs">
        <ChangeButton
          label="Save"
          variant="filled"
          isDisabled={!isChanged}
          title={`Settings of ${service}`}
          verb="Save"
          plan={() => planSettings(service, wanted)}
          run={() => changeSettings(service, wanted)}
        />
      </Group>
    </Stack>
  )
}

function DatabasePanel({ service }: { service: ServiceView }) {
  const { data: servers = [] } = useQuery(serversQuery())
  const [server, setServer] = useState('')
  const [isLossAccepted, setLossAccepted] = useState(false)
  const { name, formerDatabase } = service
  const former = useLastKnown(formerDatabase)
  const loss = isLossAccepted ? { acceptedLossMs: null } : {}
  const others = servers.filter((one) => one.name !== service.server)
  const accept = (
    <Checkbox
      label="Leave writes behind that the other one lacks, however many"
      checked={isLossAccepted}
      onChange={(event) => setLossAccepted(event.currentTarget.checked)}
    />
  )
  return (
    <Panel
      title="Database"
      about={`Its data is on ${service.server}. It can use its data on another server, such as a restored one.`}
    >
      <Group gap="xs">
        {others.length > 0 ? (
          <ChangeButton
            label="Change database"
            title={`Change the database of ${name}`}
            verb="Change it"
            typed={name}
            form={
              <Stack gap="sm">
                <NativeSelect
                  label="Server"
                  value={server}
                  onChange={(event) => setServer(event.currentTarget.value)}
                  data={[
                    { value: '', label: 'Choose a server' },
                    ...others.map((one) => ({ value: one.name, label: `${one.name}, in ${one.region}` })),
                  ]}
                />
                {accept}
              </Stack>
            }
            isFormReady={server !== ''}
            plan={() => planChangeDatabase(name, { server, ...loss })}
            run={(key) => beginChangeDatabase(name, { server, ...loss }, key)}
          />
        ) : (
          <Text size="sm">There is no other server.</Text>
        )}
        {former === null ? null : (
          <ChangeButton
            label={`Undo: back to ${former.server}`}
            isDisabled={formerDatabase === null}
            title={`Take ${name} back to ${former.server}`}
            verb="Go back"
            typed={name}
            form={accept}
            plan={() => planChangeDatabase(name, loss)}
            run={(key) => beginChangeDatabase(name, loss, key)}
          />
        )}
      </Group>
    </Panel>
  )
}

function ExportPanel({ name }: { name: string }) {
  return (
    <Panel title="Export" about="All of it as one portable file: tables, rows, permissions, scripts.">
      <Group>
        <Button
          component="a"
          variant="default"
          href={pathOf(API.exportService, { service: name })}
          download={`${name}.mainstay.gz`}
        >
          Download the export
        </Button>
      </Group>
      <CommandLine command={`mainstay sql import SERVICE ${name}.mainstay.gz`} />
    </Panel>
  )
}

function EndPanel({ service: { name, secondaryFor } }: { service: ServiceView }) {
  const [, goTo] = useLocation()
  const [isDataDeleted, setDataDeleted] = useState(false)
  const [isNow, setNow] = useState(false)
  const wanted = { deleteData: isDataDeleted, now: isDataDeleted && isNow }
  return (
    <Panel
      title="Delete"
      about={secondaryFor === null ? 'Apps get no answer any more.' : `${secondaryFor} loses its secondary.`}
    >
      <Group>
        <ChangeButton
          label="Delete the service"
          variant="outline"
          isDangerous
          title={`Delete ${name}`}
          verb="Delete"
          typed={name}
          form={
            <Stack gap="xs">
              <Checkbox
                label="Also delete its data, after 30 days: until then it can be brought back"
                checked={isDataDeleted}
                onChange={(event) => setDataDeleted(event.currentTarget.checked)}
              />
              <Checkbox
                label="At once: it cannot be brought back then"
                checked={wanted.now}
                disabled={!isDataDeleted}
                onChange={(event) => setNow(event.currentTarget.checked)}
              />
            </Stack>
          }
          plan={() => planDelete(name, wanted)}
          run={(key) => beginDelete(name, wanted, key)}
          onDone={() => goTo('/services')}
        />
      </Group>
    </Panel>
  )
}
