// After a recovery: protected again, and home again.
import { Checkbox, NativeSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { FailBack, Reprotect, ServiceView } from '../../contract/api.ts'
import { beginFailBack, beginReprotect, planFailBack, planReprotect } from '../calls/service-changes.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'

const OTHERS_NAMED = 3

export function ReprotectButton({ service, regions }: { service: ServiceView; regions: string[] }) {
  const [location, setLocation] = useState('')
  const request: Reprotect = location === '' ? {} : { location }
  return (
    <ChangeButton
      label="Protect again"
      title={`Protect ${service.name} again`}
      verb="Protect it"
      form={
        <Stack gap="sm">
          <Text size="sm">Its server gets a standby, and it gets a secondary. It serves all the while.</Text>
          <NativeSelect
            label="Where"
            value={location}
            onChange={(event) => setLocation(event.currentTarget.value)}
            data={[
              { value: '', label: service.recoveredFrom === null ? 'Wherever there is room' : service.recoveredFrom },
              ...regions.filter((name) => name !== service.region && name !== service.recoveredFrom),
            ]}
          />
        </Stack>
      }
      plan={() => planReprotect(service.name, request)}
      run={(key) => beginReprotect(service.name, request, key)}
    />
  )
}

type FailBackProps = { service: ServiceView; home: string; isHome: boolean; services: string[] }

export function FailBackButton({ service, home, isHome, services }: FailBackProps) {
  const [isWithServer, setWithServer] = useState(false)
  const request: FailBack = isWithServer ? { isWithServer } : {}
  const others = services.filter((name) => name !== service.name)
  const named = `${others.slice(0, OTHERS_NAMED).join(', ')}${others.length > OTHERS_NAMED ? ', …' : ''}`
  return (
    <ChangeButton
      label="Take it home"
      isDisabled={isHome}
      title={`Take ${service.name} home to ${home}`}
      verb="Take it home"
      typed={service.name}
      form={
        <Stack gap="sm">
          <Text size="sm">
            It is protected there first; when all is in sync it moves as planned: requests wait for a moment, none
            fails, and nothing is lost.
          </Text>
          {others.length > 0 ? (
            <Checkbox
              label={`Also when its server moves the data of ${named}`}
              checked={isWithServer}
              onChange={(event) => setWithServer(event.currentTarget.checked)}
            />
          ) : null}
        </Stack>
      }
      plan={() => planFailBack(service.name, request)}
      run={(key) => beginFailBack(service.name, request, key)}
    />
  )
}
