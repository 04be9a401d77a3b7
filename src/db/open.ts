import type { Config } from '../config.ts'
import { startCluster } from './embedded/index.ts'

/** Where generated credentials and the embedded database live. */
export const DATA_DIRECTORY = '.data'

export interface Database {
  readonly url: string
  readonly embedded: boolean
  release(): Promise<void>
}

/** The configured database, or the embedded one where none is. */
export async function openDatabase(config: Pick<Config, 'DATABASE_URL'>): Promise<Database> {
  if (config.DATABASE_URL) return { url: config.DATABASE_URL, embedded: false, release: async () => {} }
  const cluster = await startCluster(DATA_DIRECTORY)
  return { url: cluster.url, embedded: true, release: () => cluster.release() }
}
