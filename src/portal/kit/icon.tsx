// The icons: lines in a square of 24, in the colour of the text beside them.

const PATHS = {
  activity: 'M3 12h4l3 8 4-16 3 8h4',
  alert: 'M12 3.5 2.5 20h19L12 3.5ZM12 10v4M12 17v.01',
  archive: 'M4 8h16v11H4ZM3 4h18v4H3ZM10 12h4',
  arrow: 'M5 12h14M13 6l6 6-6 6',
  check: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM8 12.2l2.8 2.8L16 9.5',
  chevron: 'M9 6l6 6-6 6',
  circle: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z',
  copy: 'M9 9h11v11H9ZM5 15H4V4h11v1',
  cross: 'M8.2 3h7.6L21 8.2v7.6L15.8 21H8.2L3 15.8V8.2L8.2 3ZM9 9l6 6M15 9l-6 6',
  database:
    'M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3ZM4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6Z',
  globe:
    'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM3 12h18M12 3c2.6 2.6 3.8 5.6 3.8 9s-1.2 6.4-3.8 9c-2.6-2.6-3.8-5.6-3.8-9S9.400 5.6 12 3',
  monitor: 'M3 4h18v12H3ZM8 20h8M12 16v4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.500 4 8.5 8.5 0 1 0 20 14.5Z',
  pause: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM10 9v6M14 9v6',
  plus: 'M12 5v14M5 12h14',
  search: 'M10.500 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.500 15.500 20.500 20.500',
  services: 'M4 4h7v7H4ZM13 4h7v7h-7ZM4 13h7v7H4ZM13 13h7v7h-7Z',
  settings: 'M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4M4 12h14',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M4.900 4.900l1.4 1.4M17.700 17.700l1.4 1.4M2 12h2M20 12h2M4.900 19.100l1.4-1.4M17.700 6.300l1.4-1.4',
  turn: 'M20 12a8 8 0 1 1-2.6-5.900M20 3v4.500h-4.500',
  user: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.500 20.500c1-3.600 4-5.500 7.500-5.500s6.500 1.900 7.500 5.500',
} as const

export type IconName = keyof typeof PATHS

/** An icon beside words: it says nothing by itself, so readers of the screen pass over it. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  )
}
