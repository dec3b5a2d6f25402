// What is said where there is no page.
import { Anchor, Text } from '@mantine/core'
import { Link } from 'wouter'
import { Page } from '../kit/page.tsx'

export function NowherePage() {
  return (
    <Page title="No such page">
      <Text>
        There is nothing at this address.{' '}
        <Anchor component={Link} href="/services">
          To the services
        </Anchor>
      </Text>
    </Page>
  )
}
