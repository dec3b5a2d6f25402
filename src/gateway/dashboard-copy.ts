// This gateway's copy of the Service Dashboard: fetched from control, kept on disk, shown whether control is there or not.
import { join } from 'node:path'
import type { ProbeFacts } from '../contract/facts.ts'
import { MACHINE_DASHBOARD_PATH } from '../contract/protocols.ts'
import type { DashboardAnswer, StatusCopy } from '../contract/status-page.ts'
import { awakeMs } from '../kit/awake-clock.ts'
import { readJsonIfAny, writeJson } from '../kit/files.ts'
import { DASHBOARD_KEEP_EVERY_MS, DASHBOARD_SILENT_MS, PROBE_SILENT_MS } from '../kit/limits.ts'
import type { ControlLine } from '../machine/control-link.ts'
import { answerStatus, type StatusAnswer } from '../status/answer.ts'

const FETCH_MS_MAX = 2_000

type Held = { copy: StatusCopy; heardAt: number; ageThenMs: number }

export class DashboardCopy {
  readonly #path: string
  readonly #probes: () => ProbeFacts[]
  #held: Held | null = null
  #keptText = ''
  #keptAt = Number.NEGATIVE_INFINITY

  /** `probes`: what this gateway itself sees, which is the only news while control is silent. */
  constructor(home: string, probes: () => ProbeFacts[]) {
    this.#path = join(home, 'service-dashboard.json')
    this.#probes = probes
  }

  /** Goes on with what was known before the last stop. */
  async resume(): Promise<void> {
    const copy = await readJsonIfAny<StatusCopy>(this.#path)
    if (!copy) return
    const ageThenMs = Math.max(DASHBOARD_SILENT_MS, Date.now() - Date.parse(copy.page.writtenAt))
    this.#held = { copy, heardAt: awakeMs(), ageThenMs }
  }

  /** Asks control once. Faults as the line does. */
  async fetch(line: ControlLine): Promise<void> {
    const call = { method: 'GET' as const, path: MACHINE_DASHBOARD_PATH, timeoutMs: FETCH_MS_MAX }
    const { copy, ageMs } = (await line.call(call)) as DashboardAnswer
    if (copy === null) return
    this.#held = { copy, heardAt: awakeMs(), ageThenMs: ageMs }
    await this.#keep(copy)
  }

  /** The answer at one of its paths; `baseUrl`: how the asker reached us. */
  answer(url: string, baseUrl: string): StatusAnswer {
    const held = this.#held
    const ageMs = held === null ? 0 : awakeMs() - held.heardAt + held.ageThenMs
    const isControlSilent = ageMs > DASHBOARD_SILENT_MS
    const silentRegions = held === null ? [] : silentRegionsOf(held.copy, this.#probes())
    return answerStatus(url, held?.copy.page ?? null, { ageMs, isControlSilent, silentRegions, baseUrl })
  }

  // It says the same most of the time: not every copy is worth a write.
  async #keep(copy: StatusCopy): Promise<void> {
    const text = JSON.stringify({ ...copy, page: { ...copy.page, writtenAt: '' } })
    if (text === this.#keptText && performance.now() - this.#keptAt < DASHBOARD_KEEP_EVERY_MS) return
    this.#keptText = text
    this.#keptAt = performance.now()
    await writeJson(this.#path, copy)
  }
}

/** Regions of which no machine answers. Pure. */
export function silentRegionsOf({ regions }: Pick<StatusCopy, 'regions'>, probes: ProbeFacts[]): string[] {
  const hosts = probes.filter(({ runtime }) => runtime === null)
  const known = hosts.flatMap((probe) => {
    const region = regions[probe.machine]
    return region === undefined ? [] : [{ region, isSilent: probe.silentMs >= PROBE_SILENT_MS }]
  })
  const byRegion = Map.groupBy(known, ({ region }) => region)
  return [...byRegion].filter(([, all]) => all.every(({ isSilent }) => isSilent)).map(([region]) => region)
}
