// The tab Quickstart: lines that connect an app, ready to be pasted.
import { Anchor, SegmentedControl, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import type { ServiceView } from '../../contract/api.ts'
import { CommandLine } from '../kit/command-line.tsx'
import { Panel } from '../kit/panel.tsx'
import { useMay } from '../session/session.ts'
import { PLATFORMS, snippetsOf } from './snippets.ts'

export function QuickstartTab({ service }: { service: ServiceView }) {
  const may = useMay()
  const [platform, setPlatform] = useState<string>(PLATFORMS[0].id)
  const table = service.tables[0] ?? null
  const key = service.applicationKey === '' ? 'APPLICATION_KEY' : service.applicationKey
  const snippets = snippetsOf(platform, { url: service.url, pathUrl: service.pathUrl, key, table: table ?? 'TodoItem' })
  return (
    <Stack gap="md">
      {table === null ? (
        <Panel title="First, a table">
          <Text size="sm">
            The lines below write to a table TodoItem, which this service does not have yet.{' '}
            {may.change ? (
              <Anchor component={Link} href={`/services/${service.name}/data`} size="sm">
                Create it on the tab Data.
              </Anchor>
            ) : (
              'An operator can create it.'
            )}
          </Text>
        </Panel>
      ) : null}
      <Panel title="Connect an app" about="The URL and the key stay when the service moves to another region.">
        <SegmentedControl
          data={PLATFORMS.map(({ id, label }) => ({ value: id, label }))}
          value={platform}
          onChange={setPlatform}
          aria-label="Platform"
          maw="100%"
        />
        {snippets.map(({ title, text }) => (
          <div key={title}>
            <Text size="sm" mb={4}>
              {title}
            </Text>
            <CommandLine command={text} label="Copy the lines" />
          </div>
        ))}
      </Panel>
    </Stack>
  )
}
