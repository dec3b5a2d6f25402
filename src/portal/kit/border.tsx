// A border that a bug does not cross: one part of the page says that it failed, the rest goes on.
import { Alert, Button, Text } from '@mantine/core'
import { Component, type ReactNode } from 'react'
import { Icon } from './icon.tsx'

/** `at`: where one is; elsewhere the failure is forgotten. */
type Props = { what: string; at?: string; children: ReactNode }

// React tells only classes of what failed below them.
export class Border extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error }
  }

  override componentDidUpdate(before: Props): void {
    if (before.at !== this.props.at && this.state.error !== null) this.setState({ error: null })
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children
    return (
      <Alert color="gray" icon={<Icon name="alert" size={18} />} title={`${this.props.what} cannot be shown`}>
        <Text size="sm" mb="xs">
          {this.state.error.message} Perhaps control was upgraded meanwhile: then loading the page again helps.
        </Text>
        <Button size="xs" variant="default" onClick={() => location.reload()}>
          Load again
        </Button>
      </Alert>
    )
  }
}
