// The keys of a service: hidden until somebody wants to see them.
import { ActionIcon, Code, Group, Stack, Text, Tooltip } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { KeyType, ServiceView } from '../../contract/api.ts'
import { changeKey, planKey } from '../calls/service-changes.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { CopyAction } from '../kit/command-line.tsx'
import { Icon } from '../kit/icon.tsx'
import { Panel } from '../kit/panel.tsx'

export function KeysPanel({ service }: { service: ServiceView }) {
  return (
    <Panel title="Keys" about="Apps carry the application key. The master key opens every table: keep it on servers.">
      <Stack gap="xs">
        <KeyLine service={service.name} type="application" value={service.applicationKey} />
        <KeyLine service={service.name} type="master" value={service.masterKey} />
      </Stack>
    </Panel>
  )
}

function KeyLine({ service, type, value }: { service: string; type: KeyType; value: string }) {
  const [isShown, shown] = useDisclosure(false)
  const label = isShown ? `Hide the ${type} key` : `Show the ${type} key`
  return (
    <Group justify="space-between" gap="xs">
      <div>
        <Text size="sm" c="dimmed">
          {type === 'application' ? 'Application key' : 'Master key'}
        </Text>
        <Code>{isShown ? value : '•'.repeat(12)}</Code>
      </div>
      <Group gap={4}>
        <Tooltip label={label}>
          <ActionIcon variant="subtle" color="gray" onClick={shown.toggle} aria-label={label} aria-pressed={isShown}>
            <Icon name="eye" />
          </ActionIcon>
        </Tooltip>
        <CopyAction value={value} label={`Copy the ${type} key`} />
        <ChangeButton
          label="New key"
          isSmall
          isDangerous
          variant="subtle"
          title={`A new ${type} key for ${service}`}
          verb="Make a new key"
          typed={service}
          plan={() => planKey(service, type)}
          run={() => changeKey(service, type)}
        />
      </Group>
    </Group>
  )
}
