// The script of something that has just one: a custom API, or a job.
import { Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { scriptsQuery } from '../calls/queries.ts'
import { OneScript } from '../data/one-script.tsx'
import { Loaded } from '../kit/loaded.tsx'

type Props = { service: string; name: string; start: string; without: string }

export function ScriptPart({ service, name, start, without }: Props) {
  const scripts = useQuery(scriptsQuery(service))
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
