// The mark: a mast held by its stays.

export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <rect width="24" height="24" rx="6" fill="#14609f" />
      <path
        d="M12 4v16M12 5 5.5 18M12 5l6.500 13M5 18.500h14"
        stroke="#fff"
        strokeWidth="1.7"
        fill="none"
        strokeLinecap="round"
      />
    </svg>
  )
}
