// Facts as pairs of a name and a value, in two columns that become one on a phone.
import type { ReactNode } from 'react'
import styles from './pairs.module.css'

export type Pair = [name: string, value: ReactNode]

/** Pairs whose value is null are left out. */
export function Pairs({ pairs }: { pairs: Pair[] }) {
  return (
    <dl className={styles.pairs}>
      {pairs
        .filter(([, value]) => value !== null)
        .map(([name, value]) => (
          <div key={name} className={styles.pair}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}
