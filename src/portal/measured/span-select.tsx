// How far back to look.
import { NativeSelect } from '@mantine/core'
import { SPANS, type Span } from '../../contract/span.ts'

const WORDS: Record<Span, string> = {
  '1h': 'last hour',
  '6h': 'last 6 hours',
  '1d': 'last day',
  '7d': 'last 7 days',
  '30d': 'last 30 days',
  '90d': 'last 90 days',
}

export function SpanSelect({ over, onChange }: { over: Span; onChange: (over: Span) => void }) {
  return (
    <NativeSelect
      size="xs"
      aria-label="How far back"
      value={over}
      data={SPANS.map((span) => ({ value: span, label: WORDS[span] }))}
      onChange={({ currentTarget }) => onChange(currentTarget.value as Span)}
    />
  )
}
