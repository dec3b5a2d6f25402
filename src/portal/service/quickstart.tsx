// The tab Quickstart: lines that connect an app, ready to be pasted.
import { Anchor, Button, Group, SegmentedControl, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import type { ServiceView } from '../../contract/api.ts'
import { CommandLine } from '../kit/command-line.tsx'
import { Panel } from '../kit/panel.tsx'
import { saveFile } from '../kit/save-file.ts'
import { useMay } from '../session/session.ts'
import { PLATFORMS, snippetsOf } from './snippets.ts'
import { SERVE_COMMAND, webSample } from './web-sample.ts'

export function QuickstartTab({ service }: { service: ServiceView }) {
  const may = useMay()
  const [platform, setPlatform] = useState<string>(PLATFORMS[0].id)
  const table = service.tables[0] ?? null
  const key = service.applicationKey === '' ? 'APPLICATION_KEY' : service.applicationKey
  const target = { url: service.url, pathUrl: service.pathUrl, key, table: table ?? 'TodoItem' }
  const snippets = snippetsOf(platform, target)
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
      <Panel
        title="A web page that runs"
        about="A list of things to do, with URL and key filled in; one file, to begin from."
      >
        <Group gap="xs">
          <Button
            variant="default"
            onClick={() => saveFile('index.html', new Blob([webSample(target)], { type: 'text/html;charset=utf-8' }))}
          >
            Download the sample
          </Button>
        </Group>
        <Text size="sm">
          Serve it on localhost, which pages may call the service from without being told so, and open
          http://localhost:8000/:
        </Text>
        <CommandLine command={SERVE_COMMAND} />
      </Panel>
    </Stack>
  )
}
