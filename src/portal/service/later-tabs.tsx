// Tabs of functions that are not there yet: what they will hold.
import { Later } from '../kit/later.tsx'

export function IdentityTab() {
  return (
    <Later
      title="Identity"
      text="The providers through which users of the apps sign in will be here. Until then an API of yours can make the tokens of users: see docs/scripts.md."
    />
  )
}
