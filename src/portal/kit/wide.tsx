// What may be wider than the page: it is pushed sideways, with the keyboard, too.
import { Table } from '@mantine/core'
import type { ReactNode } from 'react'

type Props = { minWidth: number; visibleFrom?: string; children: ReactNode }

export function Wide({ minWidth, visibleFrom, children }: Props) {
  return (
    <Table.ScrollContainer
      minWidth={minWidth}
      type="native"
      tabIndex={0}
      role="group"
      aria-label="Table, may be pushed sideways"
      {...(visibleFrom === undefined ? {} : { visibleFrom })}
    >
      {children}
    </Table.ScrollContainer>
  )
}
