// The tab Recovery: the pair as a map, whether it is ready, what can be done, what was done.
import { Button, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import type { ServiceView } from '../../contract/api.ts'
import { operationsQuery, serversQuery, statusQuery } from '../calls/queries.ts'
import { RestoreServerButton } from '../databases/restore-server.tsx'
import { CommandLine } from '../kit/command-line.tsx'
import { Icon } from '../kit/icon.tsx'
import { useLastKnown } from '../kit/last-known.ts'
import { Panel } from '../kit/panel.tsx'
import { MeasuresPanel } from '../measured/measures-panel.tsx'
import { OperationList } from '../operations/operation-list.tsx'
import { CreateServiceDialog } from '../services/create-service.tsx'
import { useMay } from '../session/session.ts'
import { pairRegions } from './pair-facts.ts'
import { PairMap } from './pair-map.tsx'
import { ReadinessPanel } from './readiness-panel.tsx'
import { useRecovery } from './recover-dialog.tsx'
import { SwitchoverButton } from './switchover.tsx'
import { FailBackButton, ReprotectButton } from './way-home.tsx'

const HISTORY_TOP = 20

export function RecoveryTab({ service }: { service: ServiceView }) {
  const { data: status } = useQuery(statusQuery())
  const { data: servers } = useQuery(serversQuery())
  const history = useQuery(operationsQuery({ service: service.name, top: HISTORY_TOP }))
  const may = useMay()
  const secondary = status?.services.find(({ name }) => name === service.secondary) ?? null
  const server = servers?.find(({ name }) => name === service.server) ?? null
  return (
    <Stack gap="md">
      {service.secondaryFor === null ? null : (
        <Text size="sm">
          It stands by for {service.secondaryFor}: its capacity is taken, and it is archived, when that is recovered.
        </Text>
      )}
      <Panel title="The pair, now">
        <PairMap
          regions={pairRegions({ service, secondary, server, regions: status?.regions ?? [] })}
          server={server}
        />
      </Panel>
      {server?.members.some(({ role }) => role === 'standby') ? (
        <MeasuresPanel
          key={server.name}
          of={{ server: server.name }}
          title="Lag of the standby"
          only={['standby_lag_ms', 'standby_lag_bytes']}
        />
      ) : null}
      {service.secondaryFor === null ? (
        <ReadinessPanel service={service} secondary={secondary} server={server} />
      ) : null}
      {may.change ? <Acts service={service} status={status} services={server?.services ?? []} /> : null}
      <Panel title="What was done" about="Operations on this service, with the time of each step.">
        <OperationList operations={history.data ?? []} isWithSteps />
      </Panel>
    </Stack>
  )
}

type ActsProps = {
  service: ServiceView
  status: Parameters<typeof CreateServiceDialog>[0]['status'] | undefined
  services: string[]
}

function Acts({ service, status, services }: ActsProps) {
  const recovery = useRecovery(service)
  const [isCreating, create] = useDisclosure(false)
  const { name, secondary, secondaryFor, recoveredFrom } = service
  const home = useLastKnown(recoveredFrom)
  const regions = status?.regions.map((one) => one.name) ?? []
  return (
    <Panel title="Actions" about="Each shows what it would do before it asks.">
      <Group gap="xs">
        {secondary === null ? null : (
          <Button
            color="red"
            variant={service.health.state === 'Unhealthy' ? 'filled' : 'light'}
            onClick={recovery.begin}
          >
            Recover
          </Button>
        )}
        {secondary === null && secondaryFor === null ? (
          <Button variant="default" leftSection={<Icon name="plus" />} onClick={create.open}>
            Create a secondary
          </Button>
        ) : null}
        <SwitchoverButton service={service} services={services} regions={regions} />
        {secondaryFor === null && (secondary === null || home !== null) ? (
          <ReprotectButton service={service} regions={regions} />
        ) : null}
        {home === null ? null : (
          <FailBackButton service={service} home={home} isHome={recoveredFrom === null} services={services} />
        )}
        <RestoreServerButton server={service.server} typed={name} label="Restore its database to a moment" />
      </Group>
      {recoveredFrom === null ? null : (
        <div>
          <Text size="sm" mb={4}>
            It was recovered from {recoveredFrom}. When {recoveredFrom} is back, it can be protected there again, and go
            home. So do these commands:
          </Text>
          <Stack gap={6}>
            <CommandLine command={`mainstay mobile reprotect ${name}`} />
            <CommandLine command={`mainstay mobile failback ${name}`} />
          </Stack>
        </div>
      )}
      {recovery.dialog}
      {status ? (
        <CreateServiceDialog isOpen={isCreating} onClose={create.close} status={status} secondaryFor={name} />
      ) : null}
    </Panel>
  )
}
