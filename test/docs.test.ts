import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cookbook, cookbookOf } from '../docs/generate/cookbook.ts'
import { dataDictionary } from '../docs/generate/dictionary.ts'
import { plots } from '../docs/generate/plots.ts'
import { simulateInto } from '../docs/generate/simulated.ts'
import { ConfigSchema, secretNames } from '../src/config/index.ts'
import { problems } from '../src/contract/problem.ts'
import type { Authenticator, Headers, Vendor } from '../src/contract/vendor.ts'
import { readHypnogram } from '../src/hypnogram/read.ts'
import { drawSvg } from '../src/hypnogram/svg.ts'
import { refusalOf } from '../src/ingest/refusal.ts'
import { vendors } from '../src/vendors/index.ts'
import { createDatabase, type TestDatabase } from './setup/database.ts'
import { built } from './setup/program.ts'
import { environment, setup } from './setup/service.ts'

const root = join(import.meta.dirname, '..')
const page = (name: string) => readFileSync(join(import.meta.dirname, '../docs', name), 'utf8')

let db: TestDatabase
let client: pg.Client
beforeAll(async () => {
  db = await createDatabase()
  client = new pg.Client({ connectionString: db.url })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await db.drop()
})

it('docs/data-dictionary.md agrees with the comments in the database; otherwise run: npm run docs', async () => {
  expect(page('data-dictionary.md')).toBe(await dataDictionary(client))
})

describe('docs/sql-cookbook.md', () => {
  const written = page('sql-cookbook.md')
  let cookbook: Cookbook
  beforeAll(async () => {
    await simulateInto(db.url, client)
    cookbook = await cookbookOf(written, client)
  }, 180_000)

  it('has the current result of every query; otherwise run: npm run docs', () => {
    expect(cookbook.page).toBe(written)
  })

  it('has thirty questions, each with a query and a result, in its contents', () => {
    const questions = written.slice(0, written.indexOf('\n## Follow the changes')).split('\n### ').slice(1)
    expect(questions).toHaveLength(30)
    const contents = [...written.matchAll(/^\d+\. \[(.+)\]\(#/gm)].map(([, title]) => title)
    expect(contents).toEqual(questions.map((question) => question.split('\n')[0]))
    for (const question of questions) expect(question).toMatch(/```sql\n[^`]+\n```\n\n```text\n\S/)
    const lines = [...written.matchAll(/```sql\n([^`]+)```/g)].flatMap(([, query = '']) => query.split('\n'))
    expect(lines.filter((line) => line.length > 120)).toEqual([])
  })

  it('has the plots in docs/plots; otherwise run: npm run docs', () => {
    const files = readdirSync(join(root, 'docs/plots')).map((name) => [name, page(`plots/${name}`)] as const)
    expect(files).toEqual([...cookbook.plots].sort(([a], [b]) => (a < b ? -1 : 1)))
    expect(
      Object.keys(plots)
        .map((name) => `${name}.svg`)
        .sort(),
    ).toEqual(files.map(([name]) => name))
    for (const [name, svg] of files) {
      expect(svg.length, name).toBeLessThan(20_000)
      expect(svg, name).toMatch(/<title id="[\w-]+">[^<]+<\/title>\n<desc id="[\w-]+">[^<]+<\/desc>/)
      expect(svg, name).toContain('@media (prefers-color-scheme: dark)')
      expect(svg, name).not.toMatch(/NaN|undefined|Infinity/)
    }
  })
})

it('docs/hypnogram.svg is what nightpost hypnogram --svg writes; otherwise run: npm run docs', async () => {
  const hypnogram = await readHypnogram(client, {})
  expect(hypnogram && drawSvg(hypnogram)).toBe(page('hypnogram.svg'))
})

const run = promisify(execFile)

describe('docs/connect.md', () => {
  const block = (language: string) =>
    page('connect.md').split(`\`\`\`${language}\n`)[1]?.split('```')[0] as string

  it('has a query that DuckDB runs on a file of nightpost export', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nightpost-connect-'))
    const duck = await DuckDBInstance.create(':memory:')
    const connection = await duck.connect()
    try {
      const file = join(directory, 'nights.parquet')
      await run(
        process.execPath,
        [...built('cli/main'), 'export', 'sleep_nights', '--format', 'parquet', '--out', file],
        { cwd: directory, env: { PATH: process.env.PATH, DATABASE_URL: db.url } },
      )
      const read = await connection.runAndReadAll(block('duckdb').replace('nights.parquet', file))
      const { rows } = await client.query(
        `select sleep_date::text, count(*)::text as nights, round(avg(asleep_minutes), 1)::float8 as asleep_minutes
         from sleep_nights where is_main_sleep group by sleep_date order by sleep_date`,
      )
      expect(rows.length).toBeGreaterThan(20)
      expect(read.getRowObjectsJson()).toEqual(rows)
    } finally {
      connection.closeSync()
      duck.closeSync()
      rmSync(directory, { recursive: true })
    }
  }, 60_000)

  const python = pythonWith('pandas', 'psycopg2')
  if (!python)
    process.stderr.write('No Python with pandas and psycopg2: the lines for pandas are left out.\n')
  it.runIf(python)(
    'has lines for pandas that run',
    async () => {
      const { rows } = await client.query(
        `select user_id, count(*)::int as nights from sleep_nights where is_main_sleep group by 1 order by 1 limit 1`,
      )
      const env = { PATH: process.env.PATH, DATABASE_URL: db.url, NIGHTPOST_USER: rows[0].user_id }
      const { stdout } = await run(python as string, ['-W', 'ignore', '-c', block('python')], { env })
      expect(stdout).toContain('asleep_minutes')
      expect(stdout.match(/^2025-\d\d-\d\d/gm)?.length).toBe(rows[0].nights)
    },
    60_000,
  )
})

/** A Python that has these packages; Debian's is not always the first one. */
function pythonWith(...packages: string[]): string | undefined {
  return ['python3', '/usr/bin/python3'].find((program) => {
    const { status } = spawnSync(program, ['-c', `import ${packages.join()}`], { stdio: 'ignore' })
    return status === 0
  })
}

const helps = new Map<string, Promise<string>>()

/** The help of a command of `nightpost`; without a name, the list of all commands. */
function helpOf(...name: string[]): Promise<string> {
  const call = async () => (await run(process.execPath, [...built('cli/main'), ...name, '--help'])).stdout
  const help = helps.get(name.join()) ?? call()
  helps.set(name.join(), help)
  return help
}

describe.each(['README.md', 'docs/first-callback.md'])('%s', (file) => {
  const text = readFileSync(join(root, file), 'utf8')
  const all = (pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map(([, found = '']) => found))]

  it('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const named = all(/\bnpm run (?:-s )?([\w:-]+)/g)
    expect(named.length).toBeGreaterThan(1)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  it('names only commands and options of nightpost that exist', async () => {
    const calls = [...text.matchAll(/npm run nightpost -- ([a-z]+)([^`\n]*)/g)]
    expect(calls.map(([, name]) => name)).toContain('status')
    for (const [call, name = '', rest = ''] of calls) {
      expect(await helpOf(), call).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
      const options = rest.match(/--[a-z-]+/g) ?? []
      for (const option of options) expect(await helpOf(name), call).toContain(option)
    }
  }, 60_000)

  it('has only statements that run', async () => {
    const statements = [...all(/npm run sql -- "([^"…]+)"/g), ...all(/```sql\n([^`]+)```/g)]
    expect(statements.length).toBeGreaterThan(1)
    for (const statement of statements) await client.query(statement)
  })

  it('names only settings that exist', () => {
    const known = [...Object.keys(ConfigSchema.properties), ...secretNames.map((name) => `${name}_FILE`)]
    const words = ['NULL', 'WASO', 'POST', 'CREATEROLE', 'INFERENCE_COMPLETE', 'SESSION_COMPLETE']
    const ofTests = ['TEST_DATABASE_URL', 'TEST_POOLER', 'OTEL_EXPORTER_OTLP_ENDPOINT']
    const named = all(/`([A-Z][A-Z_]{3,})[`=]/g)
    expect(named).toContain('SAHHA_WEBHOOK_SECRETS')
    expect(named.filter((name) => ![...known, ...words, ...ofTests].includes(name))).toEqual([])
  })
})

const documents = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

it.each(documents)('%s has only links to files and headings that exist', (file) => {
  const text = readFileSync(join(root, file), 'utf8')
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
  for (const [, link = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? join(root, file) : join(root, dirname(file), path)
    expect(existsSync(target), link).toBe(true)
    if (anchor === undefined || !target.endsWith('.md')) continue
    const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.+)$/gm)].map(
      ([, heading = '']) => heading,
    )
    expect(headings.map(slug), link).toContain(anchor)
  }
})

// `vitest run -u FILE` takes FILE for the value of -u, and runs every test.
it.each([...documents, 'tools/new-vendor.ts'])('%s calls vitest with files that exist, before -u', (file) => {
  const text = readFileSync(join(root, file), 'utf8')
  for (const [call, rest = ''] of text.matchAll(/npx vitest run ([^`\n]+)/g)) {
    expect(rest, call).toMatch(/^test\//)
    for (const [name] of rest.matchAll(/test\/[\w./*-]+/g))
      expect(existsSync(join(root, name)), call).toBe(true)
  }
})

describe('what the documents promise', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const walk = page('first-callback.md')

  it('README shows the row of the first curl line as npm run sql prints it, and the answer to it', async () => {
    const service = await setup()
    const sahha = vendors.find(({ name }) => name === 'sahha') as Vendor
    const { headers, body } = sahha.example((name) => [environment[name as keyof typeof environment]])
    const { status, json } = await service.post('sahha', headers, body)
    expect(status).toBe(200)
    const shown = JSON.stringify(json).replace(/"019a…"|"[\da-f-]{36}"/, '"019a…"')
    expect(readme).toContain(`\`\`\`\n${shown}\n\`\`\``)
    const [, statement = '', table = ''] = /npm run sql -- "(select type.*)"\n\n([^`]+)```/.exec(readme) ?? []
    const { stdout } = await run(process.execPath, [...built('cli/main'), 'sql', statement], {
      env: { PATH: process.env.PATH, DATABASE_URL: service.db.url },
    })
    expect(stdout.trim()).toContain(table.trim())
    await service.close()
  })

  it('README names every table and view that analysts may read', async () => {
    const { rows } = await client.query(
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'm')
         and has_table_privilege('nightpost_reader', oid, 'select')`,
    )
    // Parts of other views, lists, and the record of migrations.
    const parts = [
      'sleep_nights_base',
      'sleep_provisional_slices',
      'time_zones',
      'fhir_loinc_codes',
      'nightpost_migrations',
    ]
    const names = rows.map(({ relname }) => relname).filter((name) => !parts.includes(name))
    expect(names.length).toBeGreaterThan(20)
    expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
  })

  it('the curl that checks an address gets the answer and the log line that docs/first-callback.md shows', async () => {
    const service = await setup({ SAHHA_API_KEYS: '' })
    const [, body = '', path = ''] = /curl -i -d '(.*)' https:\/\/your-host(\S+)/.exec(walk) ?? []
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await service.app.inject({ method: 'POST', url: path, headers, payload: body })
    expect(answer.statusCode).toBe(401)
    expect(walk).toContain(`\`401\` with \`"code":"${answer.json().code}"\``)
    const { reason } = JSON.parse(service.log.find((line) => line.includes('"status":401')) ?? '{}')
    expect(walk).toContain(`\`"reason":"${reason}"\``)
    expect((await service.app.inject(path)).statusCode).toBe(405)
    await service.close()
  })

  it('docs/first-callback.md explains every reason of a 401, and no other', () => {
    const section = walk.slice(walk.indexOf('### 401'), walk.indexOf('### 404'))
    const explained = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, reason]) => reason)
    expect(explained.slice(1).sort()).toEqual([...reasons()].sort())
  })

  it('docs/first-callback.md names only codes of problems that exist', () => {
    const section = walk.slice(walk.indexOf('### 422'), walk.indexOf('### 503'))
    const codes = [...section.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, code = '']) => code)
    const answered = Object.entries(problems).filter(
      ([code, { status }]) => (status === 422 || status === 400) && code !== 'bad_request',
    )
    expect(codes.filter((code) => code !== 'problem_code').sort()).toEqual(
      answered.map(([code]) => code).sort(),
    )
  })
})

/** Every reason that a request of a vendor can be refused for, with any of its credentials configured. */
function reasons(): Set<string> {
  const found = new Set<string>()
  for (const vendor of vendors) {
    const settings = Object.keys(vendor.credentials)
    const headers = Object.keys(vendor.proofs)
    for (const configured of subsets(settings)) {
      const credentials = (name: string) => (configured.includes(name) ? ['a credential'] : [])
      const authenticator = vendor.authenticator(credentials) as Authenticator
      for (const value of ['wrong', '0'.repeat(64)]) {
        for (const sent of [[], ...subsets(headers)]) {
          const presented: Headers = Object.fromEntries(sent.map((header) => [header, value]))
          found.add(refusalOf(vendor, credentials, authenticator, presented).reason)
        }
      }
    }
  }
  return found
}

/** Every subset that is not empty. */
function subsets(names: readonly string[]): string[][] {
  const [first, ...rest] = names
  if (first === undefined) return []
  const others = subsets(rest)
  return [[first], ...others, ...others.map((other) => [first, ...other])]
}
