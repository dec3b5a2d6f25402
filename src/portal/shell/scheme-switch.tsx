// Light, dark, or as the system has it; remembered by this browser.
import { ActionIcon, Menu, useMantineColorScheme } from '@mantine/core'
import { Icon, type IconName } from '../kit/icon.tsx'

const SCHEMES = [
  { value: 'auto', label: 'As the system has it', icon: 'monitor' },
  { value: 'light', label: 'Light', icon: 'sun' },
  { value: 'dark', label: 'Dark', icon: 'moon' },
] as const satisfies { value: string; label: string; icon: IconName }[]

export function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const now = SCHEMES.find(({ value }) => value === colorScheme) ?? SCHEMES[0]
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Colours: ${now.label}`}>
          <Icon name={now.icon} size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {SCHEMES.map(({ value, label, icon }) => (
          <Menu.Item
            key={value}
            leftSection={<Icon name={icon} />}
            rightSection={value === now.value ? <Icon name="check" /> : null}
            onClick={() => setColorScheme(value)}
          >
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
