import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { biomarker, session, USER } from '../setup/bodies.ts'
import { built } from '../setup/program.ts'
import { setup, type TestService } from '../setup/service.ts'

/** The examples of docs/sql-cookbook.md, "Follow the changes", by their language. */
const page = readFileSync(join(import.meta.dirname, '../../docs/sql-cookbook.md'), 'utf8')
const example = (language: string, nth = 0) =>
  [...page.slice(page.indexOf('## Follow the changes')).matchAll(/```(\w+)\n([\s\S]*?)```/g)]
    .filter(([, name]) => name === language)
    .map(([, , text = '']) => text)[nth] as string

let service: TestService
let client: pg.Client
beforeAll(async () => {
  service = await setup()
  client = new pg.Client({ connectionString: service.db.direct })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await service.close()
})

const night = (id: string, user = USER) => {
  const times = { start_time: '2025-01-15T22:00:00+00:00', end_time: '2025-01-16T06:00:00+00:00' }
  return service.asleep(session({ id, ...times }, { user_id: user, stat: { sleep_index: 80 } }), user)
}

/** Until the feed has everything: transactions of other databases of the server hold it up. */
async function settle() {
  const { rows } = await client.query('select pg_current_xact_id()::text as id')
  const isPast = async () =>
    (
      await client.query('select pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8 as yes', [
        rows[0].id,
      ])
    ).rows[0].yes
  await expect.poll(isPast, { interval: 5 }).toBe(true)
}

/** What dbt makes of a model: its conditions and references are replaced, and the strategy of its `config` is followed. */
async function runModel(name: string, text: string, isIncremental: boolean) {
  const replaced = text
    .replaceAll(/\{% if (not )?is_incremental\(\) %\}([\s\S]*?)\{% endif %\}/g, (_, not, part) =>
      (not === undefined) === isIncremental ? part : '',
    )
    .replaceAll(/\{\{ ref\('(\w+)'\) \}\}/g, '$1')
    .replaceAll('{{ this }}', name)
  const config = /\{\{ config\(([\s\S]*?)\) \}\}/.exec(replaced)
  const setting = (key: string) => new RegExp(`${key}='([^']*)'`).exec(config?.[1] ?? '')?.[1]
  const query = replaced.replace(config?.[0] ?? '', '')
  const key = setting('unique_key')
  if (!isIncremental) await client.query(`create table ${name} as ${query}`)
  else {
    await client.query(`create temp table fresh as ${query}`)
    if (key) await client.query(`delete from ${name} where ${key} in (select ${key} from fresh)`)
    await client.query(`insert into ${name} select * from fresh; drop table fresh`)
  }
  if (setting('post_hook')) await client.query(setting('post_hook') as string)
}

it('the dbt models', async () => {
  const run = async (isIncremental: boolean) => {
    await settle()
    await runModel('changes', example('jinja', 0), isIncremental)
    await runModel('nights', example('jinja', 1), isIncremental)
    return (await client.query('select session_id from nights order by 1')).rows.map((row) => row.session_id)
  }
  await night('one')
  await night('of another', 'G-user-2')
  expect(await run(false)).toEqual(['of another', 'one'])
  await night('two')
  await service.db.query(`delete from sleep_sessions where user_id = 'G-user-2'`)
  expect(await run(true)).toEqual(['one', 'two'])
  expect(await run(true)).toEqual(['one', 'two'])
  expect((await client.query('select from changes')).rowCount).toBe(3)
})

it('the nightly export', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-export-'))
  const call = [process.execPath, ...built('cli/main')].map((word) => `'${word}'`).join(' ')
  writeFileSync(join(directory, 'nightpost'), `#!/bin/sh\nexec ${call} "$@"\n`, { mode: 0o755 })
  const env = { PATH: `${directory}:${process.env.PATH}`, DATABASE_URL: service.db.direct }
  const run = async () => {
    await settle()
    await promisify(execFile)('sh', ['-c', example('sh')], { cwd: directory, env })
    const lines = (name: string) => readFileSync(join(directory, name), 'utf8').trim().split('\n')
    return { changes: lines('changes.ndjson').length, rows: lines('biomarkers.csv').length - 1 }
  }
  const send = (id: string) =>
    service.sahha(biomarker({ id, category: 'c' }), 'BiomarkerCreatedIntegrationEvent')
  await send('a')
  expect(await run()).toEqual({ changes: 4, rows: 1 })
  await send('b')
  await send('c')
  expect(await run()).toEqual({ changes: 2, rows: 2 })
  rmSync(directory, { recursive: true })
}, 60_000)

it('the app that waits for new nights', async () => {
  const follow = new Function(`return ${example('js')}`)()
  const now = (await client.query('select nightpost_changes_now() as cursor')).rows[0].cursor
  const listener = new pg.Client({ connectionString: service.db.direct })
  await listener.connect()
  const end = new AbortController()
  const arrived: string[] = []
  const following = follow(
    listener,
    now,
    async (nights: Array<{ session_id: string }>) => {
      arrived.push(...nights.map((row) => row.session_id))
      if (arrived.length > 0) end.abort()
    },
    end.signal,
  )
  await night('three')
  await following
  expect(arrived).toEqual(['three'])
  await listener.end()
}, 60_000)
