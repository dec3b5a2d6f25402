// Settings of the cloud, and of whoever is signed in.
import { Text } from '@mantine/core'
import type { ComponentType } from 'react'
import { Page } from '../kit/page.tsx'
import { TabLinks } from '../kit/tabs.tsx'
import { ApiPart } from '../reference/api-part.tsx'
import { useMay } from '../session/session.ts'
import { AccountsPart } from './accounts.tsx'
import { AuditPart } from './audit.tsx'
import { NoticesPart } from './notices.tsx'
import { PasswordPart } from './password.tsx'
import { ServiceDashboardPart } from './service-dashboard.tsx'
import { TokensPart } from './tokens.tsx'
import { ToolsPart } from './tools.tsx'

const PARTS: { slug: string; label: string; isOwners: boolean; Content: ComponentType }[] = [
  { slug: 'accounts', label: 'Accounts', isOwners: true, Content: AccountsPart },
  { slug: 'tokens', label: 'Tokens', isOwners: true, Content: TokensPart },
  { slug: 'tools', label: 'azure command', isOwners: true, Content: ToolsPart },
  { slug: 'notices', label: 'Notices', isOwners: false, Content: NoticesPart },
  { slug: 'service-dashboard', label: 'Service Dashboard', isOwners: false, Content: ServiceDashboardPart },
  { slug: 'audit', label: 'Audit', isOwners: false, Content: AuditPart },
  { slug: 'api', label: 'API', isOwners: false, Content: ApiPart },
  { slug: 'password', label: 'Password', isOwners: false, Content: PasswordPart },
]

export function SettingsPage({ part }: { part: string }) {
  const may = useMay()
  const parts = PARTS.filter(({ isOwners }) => may.own || !isOwners)
  const here = part === '' ? parts[0] : parts.find(({ slug }) => slug === part)
  return (
    <Page title={here ? `Settings: ${here.label}` : 'Settings'}>
      <TabLinks
        label="Parts of the settings"
        tabs={parts.map(({ slug, label }) => ({ href: `/settings/${slug}`, label, isHere: slug === here?.slug }))}
      />
      {here ? <here.Content /> : <Text size="sm">There is no such part, or not for you.</Text>}
    </Page>
  )
}
