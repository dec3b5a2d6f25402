// The pair of a service as a picture: regions as boxes, what they hold as tiles, how far apart they are between them.
import { Text } from '@mantine/core'
import type { ServerView } from '../../contract/api.ts'
import { formatAge } from '../kit/amounts.ts'
import { Icon, type IconName } from '../kit/icon.tsx'
import { useNow } from '../kit/now.ts'
import { lagLabel, type PairRegion, type Tile } from './pair-facts.ts'
import styles from './pair-map.module.css'

const KINDS: Record<Tile['kind'], { label: string; icon: IconName }> = {
  service: { label: 'Service', icon: 'services' },
  secondary: { label: 'Secondary', icon: 'services' },
  primary: { label: 'Database, primary', icon: 'database' },
  standby: { label: 'Database, standby', icon: 'database' },
  quarantined: { label: 'Database, quarantined', icon: 'database' },
}
const TONES: Record<Tile['tone'], IconName> = {
  ...{ good: 'check', warning: 'alert', bad: 'cross', moving: 'turn', quiet: 'circle' },
}

export function PairMap({ regions, server }: { regions: PairRegion[]; server: ServerView | null }) {
  const lag = lagLabel(server)
  return (
    <div className={styles.map}>
      {regions.map((region, index) => (
        <div key={region.name} className={styles.cell}>
          {index === 0 ? null : (
            <div className={styles.between}>
              <Icon name="arrow" size={22} />
              <Text size="xs" ta="center">
                {lag === null ? 'nothing follows' : `standby ${lag}`}
              </Text>
            </div>
          )}
          <section className={styles.region} aria-label={region.name}>
            <Text fw={650} size="sm">
              {region.name}
              <Text span c="dimmed" size="sm">
                {' '}
                {region.state}
              </Text>
            </Text>
            {region.tiles.map((tile) => (
              <div key={`${tile.kind} ${tile.name}`} className={`${styles.tile} ${styles[tile.tone]}`}>
                <Icon name={KINDS[tile.kind].icon} size={20} />
                <div className={styles.words}>
                  <span className={styles.label}>{KINDS[tile.kind].label}</span>
                  <span className={styles.name}>{tile.name}</span>
                  <span className={styles.state}>
                    <Icon name={TONES[tile.tone]} size={14} /> {tile.text}
                  </span>
                </div>
              </div>
            ))}
            {region.tiles.length === 0 ? <Text size="sm">Nothing of it.</Text> : null}
          </section>
        </div>
      ))}
      {server?.backup ? <Vault backup={server.backup} /> : null}
    </div>
  )
}

function Vault({ backup }: { backup: NonNullable<ServerView['backup']> }) {
  const nowMs = useNow()
  const { vault, restorableFrom, restorableTo, newestAt, problem } = backup
  return (
    <section className={styles.vault} aria-label="Vault">
      <Icon name="archive" size={20} />
      <div className={styles.words}>
        <span className={styles.label}>Vault</span>
        <span className={styles.name}>{vault}</span>
        <span className={styles.state}>
          {restorableTo === null || restorableFrom === null
            ? 'no backup yet'
            : `any moment from ${formatAge(restorableFrom, nowMs)} to ${formatAge(restorableTo, nowMs)}`}
          {newestAt === null ? '' : `; newest backup ${formatAge(newestAt, nowMs)}`}
          {problem === null ? '' : `; ${problem}`}
        </span>
      </div>
    </section>
  )
}
