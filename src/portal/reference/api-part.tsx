// The management API: every route with what goes in and what comes out, as control itself describes it.
import { Accordion, Anchor, Badge, Code, Group, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../contract/api-routes.ts'
import { apiDocumentQuery } from '../calls/queries.ts'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { Panel } from '../kit/panel.tsx'
import { groupsOf, type Parameter, type Route } from './api-document.ts'
import styles from './api-part.module.css'

export function ApiPart() {
  const description = useQuery(apiDocumentQuery())
  const [find, setFind] = useState('')
  return (
    <Panel
      title="The management API"
      about={
        <>
          Whatever this portal does, programs do with a token. As a file:{' '}
          <Anchor href={API.openapi}>OpenAPI 3.1</Anchor>.
        </>
      }
    >
      <TextInput
        aria-label="Find routes"
        placeholder="Find by path or words"
        leftSection={<Icon name="search" />}
        value={find}
        onChange={(event) => setFind(event.currentTarget.value)}
        maw={380}
      />
      <Loaded query={description} what="the description">
        {(data) => (
          <Stack gap="lg">
            {groupsOf(data).map(({ name, routes }) => (
              <Routes key={name} name={name} routes={routes.filter((route) => isFound(route, find))} />
            ))}
          </Stack>
        )}
      </Loaded>
    </Panel>
  )
}

function Routes({ name, routes }: { name: string; routes: Route[] }) {
  if (routes.length === 0) return null
  return (
    <section aria-label={name}>
      <Text fw={650} mb={4}>
        {name}
      </Text>
      <Accordion variant="contained" chevronPosition="left">
        {routes.map((route) => (
          <Accordion.Item key={`${route.method} ${route.path}`} value={`${route.method} ${route.path}`}>
            <Accordion.Control>
              <Group gap="xs">
                <Badge variant="outline" radius="sm" w={70}>
                  {route.method}
                </Badge>
                <Text size="sm" ff="monospace" className={styles.path ?? ''}>
                  {route.path}
                </Text>
                <Text size="sm" c="dimmed">
                  {route.summary}
                </Text>
              </Group>
            </Accordion.Control>
            <Accordion.Panel>
              <Details route={route} />
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </section>
  )
}

function Details({ route }: { route: Route }) {
  return (
    <Stack gap="xs">
      {route.about === null ? null : <Text size="sm">{route.about}</Text>}
      {route.parameters.length === 0 ? null : (
        <Part title="Parameters" text={route.parameters.map(lineOf).join('\n')} />
      )}
      {route.body === null ? null : <Part title="Body" text={route.body} />}
      {route.answers.map(({ status, body }) => (
        <Part key={status} title={`Answer ${status}`} text={body ?? 'nothing, or not JSON'} />
      ))}
    </Stack>
  )
}

function Part({ title, text }: { title: string; text: string }) {
  return (
    <div>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <Code block tabIndex={0}>
        {text}
      </Code>
    </div>
  )
}

function lineOf({ name, place, isRequired, type }: Parameter): string {
  return `${name}${isRequired ? '' : '?'}: ${type}   // in the ${place}`
}

function isFound({ method, path, summary }: Route, find: string): boolean {
  return `${method} ${path} ${summary}`.toLowerCase().includes(find.trim().toLowerCase())
}
