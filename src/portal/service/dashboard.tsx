// The tab Dashboard: what the service is, where, how safe, its keys, and what apps ask of it.
import { Anchor, Group, SimpleGrid, Stack, Text } from '@mantine/core'
import { Link } from 'wouter'
import type { ServiceView } from '../../contract/api.ts'
import { beginVerify, planRestart, restart } from '../calls/service-changes.ts'
import { formatAge, formatMoment, sizeText } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { useNow } from '../kit/now.ts'
import { Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { HealthBadge } from '../kit/state-badge.tsx'
import { UsagePanel } from '../measured/usage-panel.tsx'
import { exposureText } from '../services/service-list.ts'
import { useMay } from '../session/session.ts'
import { KeysPanel } from './keys.tsx'

export function DashboardTab({ service }: { service: ServiceView }) {
  const may = useMay()
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Stack gap="md">
          <Facts service={service} />
          {may.change ? <KeysPanel service={service} /> : null}
        </Stack>
        <Stack gap="md">
          <Safety service={service} />
          {may.change ? <Acts service={service} /> : null}
        </Stack>
      </SimpleGrid>
      <UsagePanel service={service.name} />
    </Stack>
  )
}

function Facts({ service }: { service: ServiceView }) {
  return (
    <Panel title="At a glance">
      <Pairs
        pairs={[
          ['State', <HealthBadge key="state" state={service.health.state} />],
          ['URL', service.url],
          ['Path URL', service.pathUrl],
          ['Region', service.region],
          ['Mode', sizeText(service)],
          ['Tables', service.tables.length === 0 ? 'none yet' : service.tables.join(', ')],
          [
            'Database',
            <span key="server">
              <Anchor component={Link} href={`/databases/${service.server}`} size="sm">
                {service.server}
              </Anchor>
              , now in {service.serverRegion}
            </span>,
          ],
          ['Former database', formerText(service.formerDatabase)],
          ['Epoch', String(service.epoch)],
          ['Created', formatMoment(service.createdAt)],
        ]}
      />
    </Panel>
  )
}

function Safety({ service }: { service: ServiceView }) {
  const nowMs = useNow()
  const exposure = exposureText(service.exposure, nowMs)
  const pair = service.secondaryFor ?? service.secondary
  return (
    <Panel title="How safe it is" about="What would be lost if its region were, now.">
      <Pairs
        pairs={[
          [
            service.secondaryFor === null ? 'Secondary' : 'Stands by for',
            pair === null ? (
              'none: a recovery has nowhere to go'
            ) : (
              <Anchor key="pair" component={Link} href={`/services/${pair}`} size="sm">
                {pair}
              </Anchor>
            ),
          ],
          ['Standby', exposure.standby],
          ['Backups', exposure.vault],
          ['Recovered from', service.recoveredFrom],
          ['Verification', <Verified key="verified" verification={service.verification} nowMs={nowMs} />],
        ]}
      />
      <Text size="sm">
        <Anchor component={Link} href={`/services/${service.name}/recovery`} size="sm">
          To its recovery: readiness, plan and history
        </Anchor>
      </Text>
    </Panel>
  )
}

function Verified({ verification, nowMs }: { verification: ServiceView['verification']; nowMs: number }) {
  if (!verification) return <>never</>
  const { state, at, problem, operation } = verification
  const words = state === 'running' ? 'under way' : state === 'succeeded' ? 'all was well' : (problem ?? 'it failed')
  return (
    <>
      {words},{' '}
      <Anchor component={Link} href={`/operations/${operation}`} size="sm">
        {formatAge(at, nowMs)}
      </Anchor>
    </>
  )
}

function Acts({ service: { name } }: { service: ServiceView }) {
  return (
    <Panel title="Actions">
      <Group gap="xs">
        <ChangeButton
          label="Verify"
          icon={<Icon name="check" />}
          title={`Verify ${name}`}
          verb="Verify"
          about={<Text size="sm">It reads and compares; nothing is changed.</Text>}
          plan={async () => ['Look whether all is as it must be: tables, keys, scripts, rows']}
          run={(key) => beginVerify(name, undefined, key)}
        />
        <ChangeButton
          label="Verify against the standby"
          title={`Verify ${name} against its standby`}
          verb="Verify"
          about={<Text size="sm">It reads and compares; nothing is changed.</Text>}
          plan={async () => ['Look whether every row is on the standby, too']}
          run={(key) => beginVerify(name, 'standby', key)}
        />
        <ChangeButton
          label="Restart"
          icon={<Icon name="turn" />}
          title={`Restart ${name}`}
          verb="Restart"
          plan={() => planRestart(name)}
          run={() => restart(name)}
        />
      </Group>
    </Panel>
  )
}

function formerText(former: ServiceView['formerDatabase']): string | null {
  if (!former) return null
  const until =
    former.keptUntil === null ? 'until somebody drops it' : `until ${formatMoment(former.keptUntil)} at least`
  return `${former.server}, kept ${until}`
}
