import type { FastifyInstance } from 'fastify'

export interface Samples {
  readonly text: string
  /** The value of the sample with exactly these labels. */
  get(name: string, labels: object): number | undefined
  /** The labels of every sample of a metric. */
  all(name: string): Array<Record<string, string>>
}

/** The current answer of `GET /metrics`. */
export async function metricsOf(app: FastifyInstance): Promise<Samples> {
  const { body } = await app.inject('/metrics')
  const samples = [...body.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name = '', labels = '', value]) => ({
      name,
      labels: Object.fromEntries(
        [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text]),
      ),
      value: Number(value),
    }),
  )
  const isEqual = (left: object, right: object) => {
    const sorted = (labels: object) => JSON.stringify(Object.entries(labels).sort())
    return sorted(left) === sorted(right)
  }
  return {
    text: body,
    get: (name, labels) => samples.find((one) => one.name === name && isEqual(one.labels, labels))?.value,
    all: (name) => samples.filter((one) => one.name === name).map(({ labels }) => labels),
  }
}
