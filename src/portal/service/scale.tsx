// The tab Scale: mode and units, and how much of the region's capacity that is.
import { Group, NumberInput, SegmentedControl, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Mode, ScaleService, ServiceView } from '../../contract/api.ts'
import { statusQuery } from '../calls/queries.ts'
import { beginScale, planScale } from '../calls/service-changes.ts'
import { sizeText } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Pairs } from '../kit/pairs.tsx'
import { Panel } from '../kit/panel.tsx'
import { CapacityBar } from '../regions/capacity-bar.tsx'
import { useMay } from '../session/session.ts'

const UNITS_MAX = 100

export function ScaleTab({ service }: { service: ServiceView }) {
  const may = useMay()
  const { data: status } = useQuery(statusQuery())
  const region = status?.regions.find(({ name }) => name === service.region)
  const isShared = service.mode === 'shared'
  return (
    <Stack gap="md">
      <Panel title="Size" about="No request fails while it changes.">
        <Pairs pairs={[['Now', sizeText(service)]]} />
        {may.change ? <ScaleForm service={service} /> : null}
      </Panel>
      {region ? (
        <Panel title={`Capacity of ${region.name}`}>
          <CapacityBar
            label="Shared slots"
            own={isShared ? 1 : 0}
            used={region.sharedSlotsUsed}
            total={region.sharedSlots}
            ownLabel={service.name}
          />
          <CapacityBar
            label="Reserved units"
            own={isShared ? 0 : service.units}
            used={region.reservedUnitsUsed}
            total={region.reservedUnits}
            ownLabel={service.name}
          />
        </Panel>
      ) : null}
    </Stack>
  )
}

function ScaleForm({ service }: { service: ServiceView }) {
  const [mode, setMode] = useState<Mode>(service.mode)
  const [units, setUnits] = useState<number>(service.units)
  const request: ScaleService = { mode, ...(mode === 'reserved' ? { units } : {}) }
  const isChanged = mode !== service.mode || (mode === 'reserved' && units !== service.units)
  return (
    <Stack gap="sm">
      <Group align="flex-end" gap="md">
        <div>
          <Text size="sm" fw={500} id="scale-mode">
            Mode
          </Text>
          <SegmentedControl
            aria-labelledby="scale-mode"
            value={mode}
            onChange={(wanted) => setMode(wanted as Mode)}
            data={[
              { value: 'shared', label: 'Shared' },
              { value: 'reserved', label: 'Reserved' },
            ]}
          />
        </div>
        {mode === 'reserved' ? (
          <NumberInput
            label="Units"
            min={1}
            max={UNITS_MAX}
            value={units}
            onChange={(wanted) => setUnits(Number(wanted) || 1)}
            allowDecimal={false}
            w={110}
          />
        ) : null}
        <ChangeButton
          label="Change the size"
          variant="filled"
          isDisabled={!isChanged}
          title={`Change the size of ${service.name}`}
          verb="Change it"
          plan={() => planScale(service.name, request)}
          run={(key) => beginScale(service.name, request, key)}
        />
      </Group>
      <Text size="sm" c="dimmed" maw={640}>
        Shared: one slot beside other services. Reserved: units of its own; each is a process more. A secondary must be
        as large as its primary.
      </Text>
    </Stack>
  )
}
