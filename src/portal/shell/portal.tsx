// What is shown at which address, and to whom.
import { Center, Loader } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ComponentType, lazy, Suspense, useState } from 'react'
import { Redirect, Route, Switch, useLocation } from 'wouter'
import { WELCOME_PATH } from '../../contract/portal-page.ts'
import { Border } from '../kit/border.tsx'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { ServicePage } from '../service/service-page.tsx'
import { ServicesPage } from '../services/services-page.tsx'
import { takePlace } from '../session/place.ts'
import { sessionQuery } from '../session/session.ts'
import { NowherePage } from './nowhere.tsx'
import { Shell } from './shell.tsx'

// What whoever is woken up needs first comes with the first load; the rest is fetched when it is opened.
const page = <P extends object>(load: () => Promise<ComponentType<P>>) => lazy(async () => ({ default: await load() }))
const SignInPage = page(() => import('../session/sign-in.tsx').then((module) => module.SignInPage))
const WelcomePage = page(() => import('../session/welcome.tsx').then((module) => module.WelcomePage))
const RegionsPage = page(() => import('../regions/regions-page.tsx').then((module) => module.RegionsPage))
const DatabasesPage = page(() => import('../databases/databases-page.tsx').then((module) => module.DatabasesPage))
const DatabasePage = page(() => import('../databases/database-page.tsx').then((module) => module.DatabasePage))
const OperationsPage = page(() => import('../operations/operations-page.tsx').then((module) => module.OperationsPage))
const OperationPage = page(() => import('../operations/operation-page.tsx').then((module) => module.OperationPage))
const IncidentsPage = page(() => import('../incidents/incidents-page.tsx').then((module) => module.IncidentsPage))
const SettingsPage = page(() => import('../settings/settings-page.tsx').then((module) => module.SettingsPage))

// wouter cannot tell these from the pattern: two of its parts may be missing.
type ServicePlace = { service: string; tab?: string; part?: string }

export function Portal() {
  const [path] = useLocation()
  if (path === WELCOME_PATH) {
    return (
      <Suspense fallback={<Waiting />}>
        <WelcomePage />
      </Suspense>
    )
  }
  return <Inside />
}

function Inside() {
  const [path] = useLocation()
  const { data: session, error } = useQuery(sessionQuery())
  if (session === undefined) {
    return (
      <Center mih="100vh" p="md" component="main">
        {error === null ? <Loader role="status" aria-label="Asking who is signed in" /> : <FaultAlert error={error} />}
      </Center>
    )
  }
  return (
    <Suspense fallback={<Waiting />}>
      {session === null ? (
        <SignInPage />
      ) : (
        <Shell>
          <Suspense fallback={<Waiting />}>
            <Border what="This page" at={path}>
              <Pages />
            </Border>
          </Suspense>
        </Shell>
      )}
    </Suspense>
  )
}

// Whoever comes back from an OpenID provider goes on where they wanted to be.
function Home() {
  const [place] = useState(() => takePlace() ?? '/services')
  return <Redirect to={place} replace />
}

function Pages() {
  return (
    <Switch>
      <Route path="/" component={Home} />
      <Route path="/services">
        <ServicesPage />
      </Route>
      <Route<ServicePlace> path="/services/:service/:tab?/:part?">
        {({ service, tab, part }) => <ServicePage key={service} name={service} tab={tab ?? ''} part={part} />}
      </Route>
      <Route path="/regions">
        <RegionsPage />
      </Route>
      <Route path="/databases">
        <DatabasesPage />
      </Route>
      <Route path="/databases/:server">{({ server }) => <DatabasePage key={server} name={server} />}</Route>
      <Route path="/operations">
        <OperationsPage />
      </Route>
      <Route path="/operations/:operation">{({ operation }) => <OperationPage key={operation} id={operation} />}</Route>
      <Route path="/incidents">
        <IncidentsPage />
      </Route>
      <Route path="/settings/:part?">{({ part }) => <SettingsPage part={part ?? ''} />}</Route>
      <Route>
        <NowherePage />
      </Route>
    </Switch>
  )
}

function Waiting() {
  return (
    <Center p="xl">
      <Loader role="status" size="sm" aria-label="Fetching the page" />
    </Center>
  )
}
