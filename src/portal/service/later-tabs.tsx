// Tabs of functions that are not there yet: what they will hold.
import { Later } from '../kit/later.tsx'

export function PushTab() {
  return (
    <Later
      title="Push"
      text="Credentials of the push services of Apple, Google and Microsoft will be here. Mainstay does not send push notifications yet."
    />
  )
}
