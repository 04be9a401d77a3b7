// Runs `maintain` again and again as a process of its own, at the times that it is told, until it is killed.
import { join } from 'node:path'
import pg from 'pg'

export interface MaintainRequest {
  readonly url: string
  /** Directory of the compiled service. */
  readonly build: string
  /** The time that counts as the present, in milliseconds of Unix time. */
  readonly now: number
}

export type MaintainAnswer =
  | { readonly done: { readonly bodiesPacked: number; readonly partitionsDropped: readonly string[] } | null }
  | { readonly error: string; readonly code: string | null }

/** Small chunks and transactions, so that a kill meets more of them. */
const limits = {
  chunkBytes: 2 ** 22,
  chunkDeliveries: 10_000,
  bytes: 2 ** 18,
  deliveries: 2_000,
  changedEntries: 500,
}

let client: pg.Client | undefined

process.on('message', async ({ url, build, now }: MaintainRequest) => {
  const load = (path: string) => import(join(build, path))
  const { resetSession } = (await load(
    'db/migrate/migrate.js',
  )) as typeof import('../src/db/migrate/migrate.ts')
  const { maintain } = (await load('db/upkeep/maintain.js')) as typeof import('../src/db/upkeep/maintain.ts')
  const { vendors } = (await load('vendors/index.js')) as typeof import('../src/vendors/index.ts')
  try {
    if (!client) {
      client = new pg.Client({ connectionString: url, application_name: 'chaos maintain' })
      client.on('error', () => {})
      await client.connect()
      await resetSession(client, 'public')
      await client.query(`set lock_timeout = '1s'`)
    }
    process.send?.('begins')
    const targets = vendors.flatMap((vendor) => vendor.targets)
    const done = await maintain(client, { schema: 'public', targets, retention: {}, now, limits })
    process.send?.({ done } satisfies MaintainAnswer)
  } catch (error) {
    const { message, code = null } = error as Error & { code?: string }
    await client?.end().catch(() => {})
    client = undefined
    process.send?.({ error: message, code } satisfies MaintainAnswer)
  }
})
process.once('disconnect', () => process.exit())
process.on('SIGINT', () => {})
