// The script of something that has just one: a custom API, or a job.
import { Stack } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { scriptsQuery } from '../calls/queries.ts'
import { OneScript } from '../data/one-script.tsx'
import { Loaded } from '../kit/loaded.tsx'

type Props = {
  service: string
  name: string
  start: string
  without: string
  /** What shows whether there is a script. */
  readAgain: readonly unknown[]
}

export function ScriptPart({ service, name, start, without, readAgain }: Props) {
  const client = useQueryClient()
  const scripts = useQuery(scriptsQuery(service))
  const version = scripts.data?.find((one) => one.name === name)?.version
  const key = JSON.stringify(readAgain)
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is another version that makes it old.
  useEffect(() => {
    client.invalidateQueries({ queryKey: JSON.parse(key) as unknown[] }).catch(() => {})
  }, [client, key, version])
  return (
    <Stack gap="md">
      <Loaded query={scripts} what="the scripts">
        {(data) => (
          <OneScript
            key={name}
            {...{ service, name, start, without }}
            script={data.find((one) => one.name === name) ?? null}
          />
        )}
      </Loaded>
    </Stack>
  )
}
