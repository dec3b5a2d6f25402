// The frame of every page: what there is at the left, how the cloud stands on top.
import { Alert, AppShell, Box, Burger, Group, NavLink, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link, useLocation } from 'wouter'
import { statusQuery } from '../calls/queries.ts'
import { Icon, type IconName } from '../kit/icon.tsx'
import { HealthBadge } from '../kit/state-badge.tsx'
import { cloudState } from './cloud-state.ts'
import { useLiveNews } from './live-news.ts'
import { Mark } from './mark.tsx'
import { PersonMenu } from './person-menu.tsx'
import { SchemeSwitch } from './scheme-switch.tsx'
import styles from './shell.module.css'

const PLACES: { href: string; label: string; icon: IconName }[] = [
  { href: '/services', label: 'Services', icon: 'services' },
  { href: '/regions', label: 'Regions', icon: 'globe' },
  { href: '/databases', label: 'Databases', icon: 'database' },
  { href: '/operations', label: 'Operations', icon: 'turn' },
  { href: '/incidents', label: 'Incidents', icon: 'alert' },
  { href: '/settings', label: 'Settings', icon: 'settings' },
]

export function Shell({ children }: { children: ReactNode }) {
  const [isOpen, menu] = useDisclosure(false)
  const { isConnected } = useLiveNews()
  return (
    <>
      <a className="mainstay-skip" href="#content">
        Skip to the content
      </a>
      <AppShell
        header={{ height: 52 }}
        navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
        padding="md"
      >
        <AppShell.Header>
          <Group h="100%" px="md" gap="sm" wrap="nowrap" justify="space-between">
            <Group gap="sm" wrap="nowrap">
              <Burger opened={isOpen} onClick={menu.toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
              <Link href="/" className={styles.brand} aria-label="Mainstay, to the services">
                <Mark />
                <Text component="span" fw={700} visibleFrom="sm">
                  Mainstay
                </Text>
              </Link>
              <CloudLine />
            </Group>
            <Group gap={4} wrap="nowrap">
              <SchemeSwitch />
              <PersonMenu />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs" aria-label="Main">
          {PLACES.map((place) => (
            <Place key={place.href} {...place} onGo={menu.close} />
          ))}
        </AppShell.Navbar>
        <AppShell.Main className={styles.main}>
          <Box id="content" tabIndex={-1} className={styles.content}>
            {isConnected ? null : (
              <Alert
                color="orange"
                mb="md"
                role="status"
                icon={<Icon name="alert" size={18} />}
                className={styles.notice}
              >
                Control does not tell news. Trying again; what you see may be old. Apps go on without control.
              </Alert>
            )}
            {children}
          </Box>
        </AppShell.Main>
      </AppShell>
    </>
  )
}

function CloudLine() {
  const { data } = useQuery(statusQuery())
  if (!data) return null
  const { state, words, href } = cloudState(data)
  return (
    <Link href={href} className={styles.cloud} title={words}>
      <HealthBadge state={state} />
      <span className={styles.words}>{words}</span>
    </Link>
  )
}

function Place({ href, label, icon, onGo }: { href: string; label: string; icon: IconName; onGo: () => void }) {
  const [path] = useLocation()
  const isHere = path === href || path.startsWith(`${href}/`)
  return (
    <NavLink
      component={Link}
      href={href}
      label={label}
      leftSection={<Icon name={icon} size={18} />}
      active={isHere}
      aria-current={isHere ? 'page' : undefined}
      onClick={onGo}
      className={styles.place ?? ''}
    />
  )
}
