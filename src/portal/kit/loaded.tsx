// What is shown until an answer is there, and when none came.
import { Loader } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { FaultAlert } from './fault-alert.tsx'

type Props<T> = { query: UseQueryResult<T>; what: string; children: (data: T) => ReactNode }

/** An answer that was there stays when the next one fails: old facts beside a fault beat an empty page. */
export function Loaded<T>({ query, what, children }: Props<T>) {
  const { data, error } = query
  if (data === undefined && error === null) return <Loader role="status" size="sm" aria-label={`Fetching ${what}`} />
  return (
    <>
      {error === null ? null : <FaultAlert error={error} title={`Cannot read ${what}`} />}
      {data === undefined ? null : children(data)}
    </>
  )
}
