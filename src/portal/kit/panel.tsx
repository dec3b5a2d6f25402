// A framed part of a page with a heading.
import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

type Props = { title?: string; about?: ReactNode; actions?: ReactNode; children: ReactNode }

export function Panel({ title, about, actions, children }: Props) {
  return (
    <Paper withBorder p="md" radius="md">
      <Stack gap="sm">
        {title === undefined ? null : (
          <Group justify="space-between" gap="xs" align="flex-start">
            <div>
              <Title order={2} fz={16}>
                {title}
              </Title>
              {about ? (
                <Text size="sm" c="dimmed" component="div">
                  {about}
                </Text>
              ) : null}
            </div>
            {actions ? <Group gap="xs">{actions}</Group> : null}
          </Group>
        )}
        {children}
      </Stack>
    </Paper>
  )
}
