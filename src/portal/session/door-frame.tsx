// What the pages have in common that are seen before one is signed in.
import { Anchor, Center, Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Mark } from '../shell/mark.tsx'

type Props = { title: string; release?: string | undefined; children: ReactNode }

export function DoorFrame({ title, release, children }: Props) {
  return (
    <Center mih="100vh" p="md" component="main">
      <Stack w="100%" maw={380} gap="lg">
        <Group gap="xs" justify="center">
          <Mark size={28} />
          <Text fw={700} fz={20}>
            Mainstay
          </Text>
        </Group>
        <Paper withBorder p="xl" radius="md" shadow="xs">
          <Stack gap="md">
            <Title order={1} fz={20}>
              {title}
            </Title>
            {children}
          </Stack>
        </Paper>
        {release === undefined ? null : (
          <Text size="xs" c="dimmed" ta="center">
            Release {release} ·{' '}
            <Anchor href="/status" underline="always" size="xs">
              Service Dashboard
            </Anchor>
          </Text>
        )}
      </Stack>
    </Center>
  )
}
