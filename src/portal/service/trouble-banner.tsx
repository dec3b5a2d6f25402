// Over every tab of a service that is not well: what is wrong, since when, what to do, and what that may cost.
import { Button, Code, Collapse, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { formatMs } from '../../contract/amounts.ts'
import type { ServiceView } from '../../contract/api.ts'
import { recoveryPlanQuery } from '../calls/queries.ts'
import { formatAge, formatMoment } from '../kit/amounts.ts'
import { CommandLine } from '../kit/command-line.tsx'
import { useNow } from '../kit/now.ts'
import { HealthBadge } from '../kit/state-badge.tsx'
import { OperationProgress } from '../operations/operation-progress.tsx'
import { useRecovery } from '../recovery/recover-dialog.tsx'
import { troubleText } from '../services/causes.ts'
import { useMay } from '../session/session.ts'
import styles from './trouble-banner.module.css'

export function TroubleBanner({ service }: { service: ServiceView }) {
  const recovery = useRecovery(service)
  return (
    <>
      <Banner service={service} onRecover={recovery.begin} />
      {recovery.dialog}
    </>
  )
}

function Banner({ service, onRecover }: { service: ServiceView; onRecover: () => void }) {
  const { health, operation } = service
  if (health.state === 'Ready') {
    return operation === null ? null : (
      <section className={`${styles.banner} ${styles.moving}`} aria-label="Operation under way">
        <OperationProgress id={operation} />
      </section>
    )
  }
  const isBad = health.state === 'Unhealthy'
  return (
    <section className={`${styles.banner} ${isBad ? styles.bad : styles.moving}`} aria-label="State of the service">
      <Stack gap="sm">
        <What service={service} />
        {operation === null ? null : <OperationProgress id={operation} />}
        {isBad && operation === null ? <WhatToDo service={service} onRecover={onRecover} /> : null}
      </Stack>
    </section>
  )
}

function What({ service: { health } }: { service: ServiceView }) {
  const nowMs = useNow()
  const [isOpen, evidence] = useDisclosure(false)
  const text = troubleText(health)
  return (
    <div>
      <Group gap="sm" align="center">
        <HealthBadge state={health.state} />
        <Text fw={600}>{text ?? (health.state === 'Recovering' ? 'It is being recovered' : 'It is not ready')}</Text>
      </Group>
      <Text size="sm" c="dimmed" mt={4} component="div">
        {health.since === null ? null : `Since ${formatMoment(health.since)}, ${formatAge(health.since, nowMs)}. `}
        {health.cause === null ? null : <Code>{health.cause}</Code>}
      </Text>
      {health.evidence.length > 0 ? (
        <>
          <Button variant="subtle" size="compact-sm" px={0} onClick={evidence.toggle} aria-expanded={isOpen}>
            {isOpen ? 'Hide the evidence' : `Show the evidence (${health.evidence.length})`}
          </Button>
          <Collapse expanded={isOpen}>
            <ul className={styles.evidence}>
              {health.evidence.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </Collapse>
        </>
      ) : null}
    </div>
  )
}

function WhatToDo({ service, onRecover }: { service: ServiceView; onRecover: () => void }) {
  const may = useMay()
  const { next } = service.health
  return (
    <Stack gap="xs">
      {service.secondary === null ? (
        <Text size="sm">
          It has no secondary to recover into. Create one in a region that lives: on the tab Recovery.
        </Text>
      ) : null}
      {service.secondary !== null ? <Prediction service={service} secondary={service.secondary} /> : null}
      <Group gap="sm" align="center">
        {may.change && service.secondary !== null ? (
          <Button color="red" onClick={onRecover}>
            Recover {service.name}
          </Button>
        ) : null}
        {next === null ? null : (
          <div className={styles.command}>
            <Text size="sm" c="dimmed">
              {may.change && service.secondary !== null ? 'or type' : 'Next'}
            </Text>
            <CommandLine command={next} />
          </div>
        )}
      </Group>
    </Stack>
  )
}

function Prediction({ service, secondary }: { service: ServiceView; secondary: string }) {
  const { data, error } = useQuery(recoveryPlanQuery(service.name, { secondary }))
  if (error) return <Text size="sm">A recovery cannot be planned now: {error.message}</Text>
  if (!data) return null
  return (
    <Text size="sm">
      A recovery to {data.toRegion} takes about <strong>{formatMs(data.predictedSeconds * 1_000)}</strong>. Loss:{' '}
      <strong>{data.lossSentence}</strong>.
    </Text>
  )
}
