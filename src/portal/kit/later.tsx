// What a place is for that holds nothing yet.
import { Text } from '@mantine/core'
import { Panel } from './panel.tsx'

export function Later({ title, text }: { title: string; text: string }) {
  return (
    <Panel title={title}>
      <Text size="sm" maw={640}>
        {text}
      </Text>
    </Panel>
  )
}
