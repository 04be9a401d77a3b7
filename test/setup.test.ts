import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { remember } from './setup/cluster.ts'

const suffix = randomBytes(4).toString('hex')
const traces = {
  databasePrefix: `trace_${suffix}_`,
  template: `template_${suffix}`,
  role: `reader_${suffix}`,
}
const { databasePrefix, template, role } = traces

let client: pg.Client
beforeAll(async () => {
  client = new pg.Client({ connectionString: inject('serverUrl') })
  await client.connect()
})
afterAll(() => client.end())

/** The databases and roles on the server whose names contain the suffix. */
async function left(): Promise<string[]> {
  const { rows } = await client.query(
    `select datname as name from pg_database where datname like $1
     union all select rolname from pg_roles where rolname like $1 order by 1`,
    [`%${suffix}%`],
  )
  return rows.map(({ name }) => name)
}

describe('a run on a server of somebody else', () => {
  it('removes its databases, its template, and the role that its migrations created', async () => {
    const restore = await remember(inject('serverUrl'), traces)
    for (const name of [template, `${databasePrefix}a`]) await client.query(`create database ${name}`)
    await client.query(`create role ${role}`)
    expect(await left()).toHaveLength(3)
    await restore()
    expect(await left()).toEqual([])
  })

  it('leaves the role if the server had it before', async () => {
    await client.query(`create role ${role}`)
    const restore = await remember(inject('serverUrl'), traces)
    await restore()
    expect(await left()).toEqual([role])
    await client.query(`drop role ${role}`)
  })
})
