// Control as the local cloud calls it.
import { Client } from './client.ts'

/** A client for the control of a cloud that runs on this machine. */
export function connectControl(url: string, token: string): Client {
  return new Client({ url, token, hintWhenSilent: 'Its control is starting.' })
}
