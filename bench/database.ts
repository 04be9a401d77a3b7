import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { migrate } from '../src/db/migrate/migrate.ts'
import { startCluster } from '../src/embedded/index.ts'

export interface BenchPostgres {
  readonly version: string
  /** Creates a database, and migrates it unless it should be empty. */
  createDatabase(options?: { readonly isEmpty: boolean }): Promise<BenchDatabase>
  stop(): Promise<void>
}

export interface BenchDatabase {
  readonly url: string
  readonly client: pg.Client
  /** Bytes of write-ahead log since initdb, and current bytes of tables, indexes and TOAST. */
  size(): Promise<{ wal: number; database: number }>
  drop(): Promise<void>
}

/** Starts an embedded Postgres with default settings, in a directory that `stop` deletes. */
export async function startPostgres(): Promise<BenchPostgres> {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-bench-'))
  chmodSync(directory, 0o755)
  const cluster = await startCluster(directory, 0)
  const admin = await connect(cluster.url)
  const { rows } = await admin.query('show server_version')
  let databases = 0
  return {
    version: rows[0].server_version,
    async createDatabase({ isEmpty } = { isEmpty: false }) {
      const name = `bench_${++databases}`
      await admin.query(`create database ${name}`)
      const url = new URL(cluster.url)
      url.pathname = `/${name}`
      if (!isEmpty) await migrate(url.href)
      const client = await connect(url.href)
      return {
        url: url.href,
        client,
        async size() {
          const { rows } =
            await client.query(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as wal,
            (select sum(pg_total_relation_size(oid)) from pg_class
              where relnamespace = 'public'::regnamespace and relkind = 'r')::float8 as database`)
          return rows[0]
        },
        async drop() {
          await client.end()
          await admin.query(`drop database ${name} with (force)`)
        },
      }
    },
    async stop() {
      await admin.end()
      await cluster.release()
      rmSync(directory, { recursive: true, force: true })
      rmSync(dirname(cluster.dataDirectory), { recursive: true, force: true })
    },
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}
