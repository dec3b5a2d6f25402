// What is or was not well: since when, why, and who says so.
import { Anchor, SegmentedControl, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { formatMs } from '../../contract/amounts.ts'
import type { IncidentView } from '../../contract/api.ts'
import { incidentsQuery } from '../calls/queries.ts'
import { formatAge, formatMoment } from '../kit/amounts.ts'
import { Loaded } from '../kit/loaded.tsx'
import { useNow } from '../kit/now.ts'
import { Page } from '../kit/page.tsx'
import { Panel } from '../kit/panel.tsx'
import { HealthBadge, ToneBadge } from '../kit/state-badge.tsx'
import { causeText } from '../services/causes.ts'
import { placeOf } from './incident-place.ts'
import styles from './incidents-page.module.css'

const TOP = 200

export function IncidentsPage() {
  const [shown, setShown] = useState('all')
  const incidents = useQuery(incidentsQuery({ top: TOP, ...(shown === 'open' ? { isOpen: true } : {}) }))
  return (
    <Page
      title="Incidents"
      actions={
        <SegmentedControl
          aria-label="Which incidents"
          value={shown}
          onChange={setShown}
          data={[
            { value: 'all', label: 'All' },
            { value: 'open', label: 'Open' },
          ]}
        />
      }
    >
      <Loaded query={incidents} what="the incidents">
        {(data) => (
          <Panel>
            {data.length === 0 ? (
              <Text size="sm">{shown === 'open' ? 'Nothing is wrong now.' : 'Nothing was ever wrong.'}</Text>
            ) : (
              <ul className={styles.list}>
                {data.map((incident) => (
                  <Item key={incident.id} incident={incident} />
                ))}
              </ul>
            )}
          </Panel>
        )}
      </Loaded>
    </Page>
  )
}

function Item({ incident }: { incident: IncidentView }) {
  const nowMs = useNow()
  const { subject, state, cause, message, evidence, openedAt, closedAt } = incident
  const href = placeOf(incident)
  return (
    <li className={styles.item}>
      <div className={styles.state}>
        {closedAt === null ? <HealthBadge state={state} /> : <ToneBadge tone="quiet" icon="check" word="over" />}
      </div>
      <div className={styles.words}>
        <Text size="sm" component="div">
          {href === null ? (
            <strong>{subject}</strong>
          ) : (
            <Anchor component={Link} href={href} fw={600} size="sm">
              {subject}
            </Anchor>
          )}
          {closedAt === null ? null : ` was ${state}`}
        </Text>
        <Text size="sm">{message}</Text>
        <Text size="sm" c="dimmed">
          {causeText(cause)}. Since {formatMoment(openedAt)}
          {closedAt === null
            ? `, ${formatAge(openedAt, nowMs)}.`
            : `, for ${formatMs(Date.parse(closedAt) - Date.parse(openedAt))}.`}
        </Text>
        {evidence.length > 0 ? (
          <details className={styles.evidence}>
            <summary>Evidence</summary>
            <ul>
              {evidence.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </details>
        ) : null}
      </div>
    </li>
  )
}
