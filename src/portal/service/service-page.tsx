// One mobile service: what is wrong with it on top of every tab, and its tabs.
import { Anchor, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ComponentType, lazy } from 'react'
import { Link } from 'wouter'
import type { ServiceView } from '../../contract/api.ts'
import { serviceQuery } from '../calls/queries.ts'
import { Border } from '../kit/border.tsx'
import { CopyAction } from '../kit/command-line.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useTitle } from '../kit/page.tsx'
import { HealthBadge } from '../kit/state-badge.tsx'
import { TabLinks } from '../kit/tabs.tsx'
import { DashboardTab } from './dashboard.tsx'
import { TroubleBanner } from './trouble-banner.tsx'

export type TabProps = { service: ServiceView; part: string | undefined }

const tab = (load: () => Promise<ComponentType<TabProps>>) => lazy(async () => ({ default: await load() }))

const TABS: { slug: string; label: string; Content: ComponentType<TabProps> }[] = [
  {
    slug: 'quickstart',
    label: 'Quickstart',
    Content: tab(() => import('./quickstart.tsx').then((all) => all.QuickstartTab)),
  },
  { slug: 'dashboard', label: 'Dashboard', Content: DashboardTab },
  { slug: 'data', label: 'Data', Content: tab(() => import('../data/data-tab.tsx').then((all) => all.DataTab)) },
  { slug: 'api', label: 'API', Content: tab(() => import('../code/api-tab.tsx').then((all) => all.ApiTab)) },
  {
    slug: 'scheduler',
    label: 'Scheduler',
    Content: tab(() => import('../code/jobs-tab.tsx').then((all) => all.JobsTab)),
  },
  { slug: 'push', label: 'Push', Content: tab(() => import('../push/push-tab.tsx').then((all) => all.PushTab)) },
  {
    slug: 'identity',
    label: 'Identity',
    Content: tab(() => import('../code/identity-tab.tsx').then((all) => all.IdentityTab)),
  },
  {
    slug: 'configure',
    label: 'Configure',
    Content: tab(() => import('./configure.tsx').then((all) => all.ConfigureTab)),
  },
  { slug: 'scale', label: 'Scale', Content: tab(() => import('./scale.tsx').then((all) => all.ScaleTab)) },
  { slug: 'logs', label: 'Logs', Content: tab(() => import('../code/logs-tab.tsx').then((all) => all.LogsTab)) },
  {
    slug: 'recovery',
    label: 'Recovery',
    Content: tab(() => import('../recovery/recovery-tab.tsx').then((all) => all.RecoveryTab)),
  },
]
const USUAL = 'dashboard'

type Props = { name: string; tab: string; part: string | undefined }

export function ServicePage({ name, tab: slug, part }: Props) {
  const here = TABS.find((one) => one.slug === (slug === '' ? USUAL : slug))
  useTitle(here ? `${name}: ${here.label}` : name)
  const service = useQuery(serviceQuery(name))
  return (
    <Stack gap="md">
      <div>
        <Text size="sm">
          <Anchor component={Link} href="/services" size="sm">
            Services
          </Anchor>
        </Text>
        <Group gap="sm">
          <Title order={1} fz={24}>
            {service.data?.name ?? name}
          </Title>
          {service.data ? <HealthBadge state={service.data.health.state} /> : null}
        </Group>
        {service.data ? <Url url={service.data.url} /> : null}
      </div>
      <TabLinks
        label="Parts of the service"
        tabs={TABS.map((one) => ({
          ...{ href: `/services/${name}/${one.slug}`, label: one.label },
          isHere: one.slug === here?.slug,
        }))}
      />
      <Loaded query={service} what="the service">
        {(data) => (
          <>
            <TroubleBanner service={data} />
            <Border what="This tab" at={here?.slug ?? ''}>
              {here ? <here.Content service={data} part={part} /> : <Text>There is no such tab.</Text>}
            </Border>
          </>
        )}
      </Loaded>
    </Stack>
  )
}

function Url({ url }: { url: string }) {
  return (
    <Group gap={2} wrap="nowrap">
      <Text size="sm" c="dimmed" truncate>
        {url}
      </Text>
      <CopyAction value={url} label="Copy the URL" />
    </Group>
  )
}
