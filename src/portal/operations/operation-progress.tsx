// An operation as it goes on: every step with its time, how it ended, and what to do next.
import { Alert, Group, Loader, Progress, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { formatBytes, formatMs } from '../../contract/amounts.ts'
import type { OperationView } from '../../contract/api.ts'
import { operationQuery } from '../calls/queries.ts'
import { CommandText } from '../kit/command-line.tsx'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { Icon, type IconName } from '../kit/icon.tsx'
import { useNow } from '../kit/now.ts'
import { OperationBadge, type Tone } from '../kit/state-badge.tsx'
import styles from './operation-progress.module.css'
import { kindText } from './operation-words.ts'
import { RecoveryReport } from './recovery-report.tsx'

type Step = OperationView['steps'][number]

const STEP: Record<Step['state'], { icon: IconName; tone: Tone; word: string }> = {
  waiting: { icon: 'circle', tone: 'quiet', word: 'waiting' },
  running: { icon: 'turn', tone: 'moving', word: 'running' },
  done: { icon: 'check', tone: 'good', word: 'done' },
  failed: { icon: 'cross', tone: 'bad', word: 'failed' },
}

export function OperationProgress({ id, onSucceeded }: { id: string; onSucceeded?: () => void }) {
  const { data, error } = useQuery(operationQuery(id))
  const tell = useRef(onSucceeded)
  tell.current = onSucceeded
  const hasSucceeded = data?.state === 'succeeded'
  useEffect(() => {
    if (hasSucceeded) tell.current?.()
  }, [hasSucceeded])
  if (data) return <OperationSteps operation={data} />
  return error ? <FaultAlert error={error} /> : <Loader role="status" size="sm" aria-label="Fetching the operation" />
}

/** What is known of it already. */
export function OperationSteps({ operation }: { operation: OperationView }) {
  const { state, steps, error, report, next } = operation
  return (
    <Stack gap="sm">
      <Group gap="xs">
        <OperationBadge state={state} />
        <Text size="sm">{kindText(operation)}</Text>
      </Group>
      <ol className={styles.steps} aria-live="polite">
        {steps.map((step) => (
          <StepLine key={step.name} step={step} />
        ))}
      </ol>
      {error ? (
        <Alert
          color="red"
          icon={<Icon name="cross" size={18} />}
          title={state === 'needs_you' ? 'It stopped' : 'It failed'}
        >
          <Text size="sm">{error.message}</Text>
          {error.hint ? (
            <Text size="sm" mt={4} component="div">
              <CommandText text={error.hint} />
            </Text>
          ) : null}
        </Alert>
      ) : null}
      {next ? (
        <Text size="sm" component="div">
          Next: <CommandText text={next} />
        </Text>
      ) : null}
      {report ? <RecoveryReport report={report} /> : null}
    </Stack>
  )
}

function StepLine({ step }: { step: Step }) {
  const { icon, tone, word } = STEP[step.state]
  return (
    <li className={styles.step}>
      <span className={`${styles.icon} ${styles[tone]}`} title={word}>
        <Icon name={icon} />
      </span>
      <span className={styles.sentence}>
        {step.sentence}
        <span className={styles.word}> {word}</span>
        {step.attempts > 1 ? <span className={styles.aside}> (try {step.attempts})</span> : null}
        {step.detail ? <span className={`${styles.aside} ${styles.detail}`}>{step.detail}</span> : null}
        {step.progress ? <StepBar progress={step.progress} /> : null}
      </span>
      <span className={styles.time}>
        <StepTime step={step} />
      </span>
    </li>
  )
}

function StepTime({ step }: { step: Step }) {
  if (step.ms !== null) return formatMs(step.ms)
  if (step.state === 'running' && step.startedAt !== null) return <Running since={step.startedAt} />
  return null
}

function Running({ since }: { since: string }) {
  const nowMs = useNow()
  return <>{formatMs(Math.max(0, nowMs - Date.parse(since)))}</>
}

function StepBar({ progress }: { progress: NonNullable<Step['progress']> }) {
  const { doneBytes, totalBytes, bytesPerSecond, secondsLeft } = progress
  const percent = totalBytes === 0 ? 0 : Math.floor((100 * doneBytes) / totalBytes)
  const words = [
    `${percent} % of ${formatBytes(totalBytes)}`,
    ...(bytesPerSecond === null ? [] : [`${formatBytes(bytesPerSecond)}/s`]),
    ...(secondsLeft === null ? [] : [`${formatMs(secondsLeft * 1_000)} left`]),
  ].join(', ')
  return (
    <>
      <Progress value={percent} size="sm" mt={4} aria-label="How far the step is" />
      <span className={styles.aside}>{words}</span>
    </>
  )
}
