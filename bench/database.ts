import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { startCluster } from '../src/db/embedded/index.ts'
import { migrate } from '../src/db/migrate.ts'

export interface BenchServer {
  readonly version: string
  /** A fresh, migrated database. */
  create(): Promise<BenchDatabase>
  stop(): Promise<void>
}

export interface BenchDatabase {
  readonly url: string
  readonly client: pg.Client
  /** Bytes of write-ahead log so far, and bytes of tables, indexes and TOAST now. */
  size(): Promise<{ wal: number; database: number }>
  drop(): Promise<void>
}

/** The embedded server with its defaults, in a directory of its own that goes when it stops. */
export async function startServer(): Promise<BenchServer> {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-bench-'))
  chmodSync(directory, 0o755)
  const cluster = await startCluster(directory, 0)
  const admin = await connected(cluster.url)
  const { rows } = await admin.query('show server_version')
  let made = 0
  return {
    version: rows[0].server_version,
    async create() {
      const name = `bench_${++made}`
      await admin.query(`create database ${name}`)
      const url = new URL(cluster.url)
      url.pathname = `/${name}`
      await migrate(url.href)
      const client = await connected(url.href)
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

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}
