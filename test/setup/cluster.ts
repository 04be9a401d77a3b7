import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startCluster } from '../../src/db/embedded/index.ts'
import { migrate } from '../../src/db/migrate.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the test server for a superuser, with any database. */
    serverUrl: string
  }
}

export const TEMPLATE = 'nightpost_template'

/** Starts one server for the whole run, with a migrated template database that test files clone. */
export default async function setup(project: TestProject) {
  const server = process.env.TEST_DATABASE_URL ? external(process.env.TEST_DATABASE_URL) : await embedded()
  await replaceTemplate(server.url)
  await migrate(withDatabase(server.url, TEMPLATE))
  project.provide('serverUrl', server.url)
  return server.stop
}

const external = (url: string) => ({ url, stop: async () => {} })

async function embedded() {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-test-'))
  chmodSync(directory, 0o755)
  const cluster = await startCluster(directory, 0)
  const home = dirname(cluster.dataDirectory)
  return {
    url: cluster.url,
    stop: async () => {
      await cluster.release()
      rmSync(directory, { recursive: true })
      rmSync(home, { recursive: true, force: true })
    },
  }
}

async function replaceTemplate(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`drop database if exists ${TEMPLATE}`)
  await client.query(`create database ${TEMPLATE}`)
  await client.end()
}

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
