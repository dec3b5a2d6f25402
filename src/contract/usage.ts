// What a gateway tells control of the apps' requests: counts of each minute and service, told again until taken.

/** One minute of one service, at one gateway. Told while it lasts, too: the newest stands for all before. */
export type UsageMinute = {
  /** As the gateway's route names it. */
  service: string
  /** When the minute began, by the gateway's clock: whole minutes since 1970. */
  minute: number
  requests: number
  /** Of them: answered with 5xx, by the service or for it, or broken off in the middle of the answer. */
  errors: number
  /** All that was sent to apps, headers included. */
  bytesOut: number
  /** Counts between the bounds of `kit/latencies.ts`. */
  latencies: number[]
  /** Devices that named themselves (`X-ZUMO-INSTALLATION-ID`), as `kit/distinct.ts` writes them, in base64; null: none. */
  devices: string | null
}

/** `run` differs with every start of the gateway: a minute in which it was restarted has two halves. */
export type UsageReport = { machine: string; run: string; minutes: UsageMinute[] }
