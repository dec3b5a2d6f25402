// The tab Scheduler: the jobs of a service, and one of them opened.
import { Anchor, Group, NativeSelect, Stack, Table, Text, TextInput } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { JobRunView, JobView, ServiceView, UpdateJob } from '../../contract/api.ts'
import { scheduleText } from '../../contract/scheduled-job.ts'
import { createJob, deleteJob, runJob, updateJob } from '../calls/code-changes.ts'
import { jobRunsQuery, jobsQuery } from '../calls/queries.ts'
import { emptyJob } from '../data/script-text.ts'
import { formatAge } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'
import { type Draft, draftOf, isDraftReady, type ScheduleKind, scheduleOf } from './schedule-draft.ts'

// The editor is heavy: it is fetched by who opens a script.
const ScriptPart = lazy(async () => ({ default: (await import('./script-part.tsx')).ScriptPart }))

/** What needs nobody's look. */
const GOOD: string[] = ['running', 'succeeded', 'skipped']

export function JobsTab({ service, part }: { service: ServiceView; part: string | undefined }) {
  const jobs = useQuery(jobsQuery(service.name))
  return (
    <Loaded query={jobs} what="the jobs">
      {(data) => {
        if (part === undefined) return <Jobs service={service.name} jobs={data} />
        const job = data.find(({ name }) => name === part)
        return job ? <OneJob service={service.name} job={job} /> : <Text size="sm">There is no such job.</Text>
      }}
    </Loaded>
  )
}

function Jobs({ service, jobs }: { service: string; jobs: JobView[] }) {
  const may = useMay()
  const nowMs = useNow()
  return (
    <Panel title="Jobs" actions={may.change ? <CreateJobButton service={service} /> : null}>
      {jobs.length === 0 ? (
        <Text size="sm">
          There is none yet. A job runs its script at an interval, by a cron line, or when it is asked for.
        </Text>
      ) : (
        <Wide minWidth={560}>
          <Table highlightOnHover aria-label="Jobs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Status</Table.Th>
                <Table.Th>Schedule</Table.Th>
                <Table.Th>Next run</Table.Th>
                <Table.Th>Last run</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {jobs.map((job) => (
                <Table.Tr key={job.name}>
                  <Table.Td>
                    <Anchor component={Link} href={`/services/${service}/scheduler/${job.name}`} fw={600} size="sm">
                      {job.name}
                    </Anchor>
                  </Table.Td>
                  <Table.Td>{job.status}</Table.Td>
                  <Table.Td>{scheduleText(job.schedule)}</Table.Td>
                  <Table.Td>{job.nextRun ?? ''}</Table.Td>
                  <Table.Td>{lastText(job, nowMs)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      )}
    </Panel>
  )
}

function CreateJobButton({ service }: { service: string }) {
  const [, goTo] = useLocation()
  const [name, setName] = useState('')
  const [draft, setDraft] = useState<Draft>(draftOf(null))
  return (
    <ChangeButton
      label="Create a job"
      icon={<Icon name="plus" />}
      variant="filled"
      title="Create a job"
      verb="Create"
      about="It is disabled until you enable it."
      form={
        <Stack gap="sm">
          <TextInput
            label="Name"
            description="The name of its function."
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="off"
            data-autofocus
          />
          <ScheduleFields value={draft} onChange={setDraft} />
        </Stack>
      }
      isFormReady={name.trim() !== '' && isDraftReady(draft)}
      run={() => createJob(service, { name: name.trim(), schedule: scheduleOf(draft, new Date()) })}
      onDone={() => goTo(`/services/${service}/scheduler/${name.trim()}`)}
    />
  )
}

function ScheduleFields({ value, onChange }: { value: Draft; onChange: (value: Draft) => void }) {
  return (
    <>
      <NativeSelect
        label="Runs"
        value={value.kind}
        onChange={(event) => onChange({ ...value, kind: event.currentTarget.value as ScheduleKind })}
        data={[
          { value: 'interval', label: 'at an interval' },
          { value: 'cron', label: 'by a cron line' },
          { value: 'none', label: 'only when it is asked for' },
        ]}
      />
      {value.kind === 'interval' ? (
        <Group grow align="end">
          <TextInput
            label="Every"
            inputMode="numeric"
            value={value.period}
            onChange={(event) => onChange({ ...value, period: event.currentTarget.value })}
          />
          <NativeSelect
            label="Unit"
            value={value.unit}
            onChange={(event) => onChange({ ...value, unit: event.currentTarget.value as Draft['unit'] })}
            data={['second', 'minute', 'hour', 'day', 'month', 'year']}
          />
        </Group>
      ) : null}
      {value.kind === 'cron' ? (
        <TextInput
          label="Cron line, in UTC"
          description="minute hour day month weekday"
          value={value.line}
          onChange={(event) => onChange({ ...value, line: event.currentTarget.value })}
        />
      ) : null}
    </>
  )
}

function OneJob({ service, job }: { service: string; job: JobView }) {
  const home = `/services/${service}/scheduler`
  const nowMs = useNow()
  const may = useMay()
  return (
    <Stack gap="md">
      <Text size="sm">
        <Anchor component={Link} href={home} size="sm" underline="always">
          Jobs
        </Anchor>{' '}
        / <strong>{job.name}</strong>
      </Text>
      <Panel title="When it runs" actions={may.change ? <Actions service={service} job={job} home={home} /> : null}>
        <Pairs
          pairs={[
            ['Status', job.status],
            ['Schedule', scheduleText(job.schedule)],
            ['While one runs', job.overlap === 'skip' ? 'the next is skipped' : 'the next begins as well'],
            ['Missed ones', job.missed === 'once' ? 'run once, late' : 'are skipped'],
            ['Next run', job.nextRun ?? 'none'],
            ['Last run', lastText(job, nowMs)],
          ]}
        />
      </Panel>
      <Runs service={service} job={job.name} />
      <Suspense fallback={<Text size="sm">Fetching the editor…</Text>}>
        <ScriptPart
          service={service}
          name={`scheduler/${job.name}`}
          start={emptyJob(job.name)}
          without="the job fails whenever it is due"
        />
      </Suspense>
    </Stack>
  )
}

function Actions({ service, job, home }: { service: string; job: JobView; home: string }) {
  const client = useQueryClient()
  const [, goTo] = useLocation()
  const [draft, setDraft] = useState<Draft>(draftOf(job.schedule))
  const again = () => client.invalidateQueries({ queryKey: ['scripts', service, 'jobs'] })
  const change = (wanted: UpdateJob) => updateJob(service, job.name, wanted).then(again)
  const isEnabled = job.status === 'enabled'
  return (
    <Group gap="xs">
      <ChangeButton
        label="Run now"
        isSmall
        title={`Run ${job.name} now`}
        verb="Run it"
        plan={async () => ['Its script runs once, whether it is enabled or not']}
        run={() => runJob(service, job.name).then(again)}
      />
      <ChangeButton
        label={isEnabled ? 'Disable' : 'Enable'}
        isSmall
        title={`${isEnabled ? 'Disable' : 'Enable'} ${job.name}`}
        verb={isEnabled ? 'Disable' : 'Enable'}
        plan={async () => [isEnabled ? 'It runs only when it is asked for' : 'What is due from now on runs']}
        run={() => change({ isEnabled: !isEnabled })}
      />
      <ChangeButton
        label="Schedule"
        isSmall
        title={`Schedule of ${job.name}`}
        verb="Save"
        about="What was due by the old schedule and did not run is not due any more."
        form={<ScheduleFields value={draft} onChange={setDraft} />}
        isFormReady={isDraftReady(draft)}
        run={() => change({ schedule: scheduleOf(draft, new Date()) })}
      />
      <ChangeButton
        label="Delete"
        isSmall
        isDangerous
        variant="outline"
        title={`Delete the job ${job.name}`}
        verb="Delete it"
        plan={async () => ['It does not run any more', 'The versions of its script are kept']}
        run={() => deleteJob(service, job.name)}
        onDone={() => goTo(home)}
      />
    </Group>
  )
}

function Runs({ service, job }: { service: string; job: string }) {
  const runs = useQuery(jobRunsQuery(service, job))
  const nowMs = useNow()
  return (
    <Panel title="Runs" about="The newest first.">
      <Loaded query={runs} what="the runs">
        {(data) =>
          data.length === 0 ? (
            <Text size="sm">It has not run yet.</Text>
          ) : (
            <Wide minWidth={560}>
              <Table aria-label="Runs">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Began</Table.Th>
                    <Table.Th>Due</Table.Th>
                    <Table.Th>State</Table.Th>
                    <Table.Th>Output</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map((run) => (
                    <RunRow key={`${run.startedAt}${run.dueAt ?? ''}`} run={run} nowMs={nowMs} />
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
          )
        }
      </Loaded>
    </Panel>
  )
}

function RunRow({ run, nowMs }: { run: JobRunView; nowMs: number }) {
  return (
    <Table.Tr>
      <Table.Td>{formatAge(run.startedAt, nowMs)}</Table.Td>
      <Table.Td>{run.dueAt ?? 'asked for'}</Table.Td>
      <Table.Td>
        <Text size="sm" fw={GOOD.includes(run.state) ? 400 : 700}>
          {run.state}
        </Text>
        {run.note === null ? null : <Text size="xs">{run.note}</Text>}
      </Table.Td>
      <Table.Td>
        <Text size="xs" ff="monospace" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {run.output}
        </Text>
      </Table.Td>
    </Table.Tr>
  )
}

function lastText({ isKnown, lastRun }: JobView, nowMs: number): string {
  if (!isKnown) return 'its home cannot be asked'
  return lastRun === null ? 'never' : `${formatAge(lastRun.startedAt, nowMs)}: ${lastRun.state}`
}
