export const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

export const mean = (values: readonly number[]) => sum(values) / values.length

/** The standard deviation of a sample. */
export function deviation(values: readonly number[]): number {
  const middle = mean(values)
  return Math.sqrt(sum(values.map((value) => (value - middle) ** 2)) / (values.length - 1))
}

/** The line of least squares through points, and how closely they follow it. */
export function line(points: ReadonlyArray<readonly [x: number, y: number]>) {
  const [middleX, middleY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const product = sum(points.map(([x, y]) => (x - middleX) * (y - middleY)))
  const squaresX = sum(points.map(([x]) => (x - middleX) ** 2))
  const squaresY = sum(points.map(([, y]) => (y - middleY) ** 2))
  const slope = product / squaresX
  const correlation = product / Math.sqrt(squaresX * squaresY)
  return { slope, intercept: middleY - slope * middleX, correlation }
}

/** The smallest value that is not below a share of all values. */
export function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? Number.NaN
}
