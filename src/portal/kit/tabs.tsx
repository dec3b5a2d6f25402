// Tabs that are addresses: each can be opened, sent to somebody, and gone back from.
import { Link } from 'wouter'
import styles from './tabs.module.css'

export type TabLink = { href: string; label: string; isHere: boolean }

export function TabLinks({ label, tabs }: { label: string; tabs: TabLink[] }) {
  return (
    <nav aria-label={label} className={styles.tabs}>
      {tabs.map((tab) => (
        <Link
          key={tab.href}
          href={tab.href}
          className={tab.isHere ? `${styles.tab} ${styles.here}` : (styles.tab ?? '')}
          aria-current={tab.isHere ? 'page' : undefined}
        >
          {tab.label}
        </Link>
      ))}
    </nav>
  )
}
