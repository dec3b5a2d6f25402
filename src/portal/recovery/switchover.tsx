// A planned move: requests wait for a moment, none fails, nothing is lost.
import { Checkbox, NativeSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { ServiceView, SwitchService } from '../../contract/api.ts'
import { beginSwitch, planSwitch } from '../calls/service-changes.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'

type Props = { service: ServiceView; services: string[]; regions: string[] }

export function SwitchoverButton({ service, services, regions }: Props) {
  const [to, setTo] = useState('')
  const [isWithServer, setWithServer] = useState(false)
  const request: SwitchService = { ...(to === '' ? {} : { to }), ...(isWithServer ? { isWithServer } : {}) }
  const others = services.filter((name) => name !== service.name)
  return (
    <ChangeButton
      label="Switch over"
      title={`Move ${service.name} as planned`}
      verb="Move it"
      typed={service.name}
      form={
        <Stack gap="sm">
          <Text size="sm">Requests wait for a moment, none fails, and nothing is lost.</Text>
          <NativeSelect
            label="To"
            value={to}
            onChange={(event) => setTo(event.currentTarget.value)}
            data={[
              { value: '', label: 'Where its secondary is' },
              ...regions.filter((name) => name !== service.region).map((name) => ({ value: name, label: name })),
            ]}
          />
          {others.length > 0 ? (
            <Checkbox
              label={`Also when its server moves the data of ${others.slice(0, 3).join(', ')}${others.length > 3 ? ', …' : ''}`}
              checked={isWithServer}
              onChange={(event) => setWithServer(event.currentTarget.checked)}
            />
          ) : null}
        </Stack>
      }
      plan={() => planSwitch(service.name, request)}
      run={(key) => beginSwitch(service.name, request, key)}
    />
  )
}
