/** The smallest UUID version 7 of a time, in milliseconds of Unix time. The ids of a period are a range of an index. */
export function idAtTime(ms: number): string {
  const hex = Math.floor(ms).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

/** The time of a UUID version 7, in milliseconds of Unix time. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
