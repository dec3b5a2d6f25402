// How far back a person looks, and how fine what they see is.

/** From now back; what is older than the last is gone. */
export const SPANS = ['1h', '6h', '1d', '7d', '30d', '90d'] as const
export type Span = (typeof SPANS)[number]

/** Its length, and that of one point in it; in seconds. */
export const SPAN_SECONDS: Record<Span, { length: number; point: number }> = {
  '1h': { length: 3_600, point: 60 },
  '6h': { length: 6 * 3_600, point: 300 },
  '1d': { length: 86_400, point: 900 },
  '7d': { length: 7 * 86_400, point: 7_200 },
  '30d': { length: 30 * 86_400, point: 21_600 },
  '90d': { length: 90 * 86_400, point: 86_400 },
}
