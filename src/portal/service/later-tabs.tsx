// Tabs of functions that are not there yet: what they will hold.
import { Later } from '../kit/later.tsx'

export function ApiTab() {
  return (
    <Later
      title="Custom APIs"
      text="Endpoints of your own beside the tables, each with a script and with permissions for GET, POST, PUT, PATCH and DELETE, will be here. Mainstay does not run custom APIs yet."
    />
  )
}

export function SchedulerTab() {
  return (
    <Later
      title="Jobs"
      text="Scripts that run at an interval or on demand will be here, with their last and next run. Mainstay does not run jobs yet."
    />
  )
}

export function PushTab() {
  return (
    <Later
      title="Push"
      text="Credentials of the push services of Apple, Google and Microsoft will be here. Mainstay does not send push notifications yet."
    />
  )
}

export function IdentityTab() {
  return (
    <Later
      title="Identity"
      text="The providers through which users of the apps sign in will be here. Mainstay knows no users of apps yet; tables with the permission `user` refuse everybody."
    />
  )
}

export function LogsTab() {
  return (
    <Later
      title="Logs"
      text="What the scripts of this service wrote, with level, source and time, will be here. Until then each host writes it to its own log."
    />
  )
}
