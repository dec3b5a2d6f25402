// What a provider replied with.

/** The fields of a JSON object or a form; none of anything else. */
export async function fieldsOf(answer: Response): Promise<Record<string, unknown>> {
  const text = await answer.text()
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return Object.fromEntries(new URLSearchParams(text))
  }
}
