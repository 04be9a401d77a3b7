import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
let copy: string

// The copy's tests start a server of their own: they must not replace the template database of this run.
const { FORCE_COLOR, TEST_DATABASE_URL, TEST_POOLER, ...env } = process.env

/** What every vendor must pass. */
const COMMON = ['test/events.test.ts', 'test/vendors.test.ts']

const COPIED = [
  ...[
    'src',
    'migrations',
    'tools',
    'test/setup',
    'test/fixtures',
    ...COMMON,
    'package.json',
    'tsconfig.json',
  ],
  ...['tsconfig.build.json', 'vitest.config.ts', 'drizzle.config.ts', '.env.example', 'docker-compose.yml'],
]

/** Runs Node in the copy; returns what it prints, and throws that if it fails. */
function run(...options: string[]): string {
  try {
    return execFileSync(process.execPath, options, { cwd: copy, encoding: 'utf8', stdio: 'pipe', env })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`node ${options.join(' ')} failed:\n${stdout}\n${stderr}`)
  }
}

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'nightpost-new-vendor-'))
  for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true })
  // The common tests run no built program.
  const config = join(copy, 'vitest.config.ts')
  const build = `'test/setup/build.ts', `
  const text = readFileSync(config, 'utf8')
  expect(text).toContain(build)
  writeFileSync(config, text.replace(build, ''))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir')
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

it('a vendor made by npm run new-vendor compiles, migrates, and passes the common tests', () => {
  const bin = (name: string) => join(copy, 'node_modules', name)
  const source = (name: string) => ['--import', 'tsx', name]
  expect(run(...source('tools/new-vendor.ts'), 'acme')).toContain('src/vendors/acme/index.ts')
  // Biome wants the imports in this order.
  const registry = readFileSync(join(copy, 'src/vendors/index.ts'), 'utf8')
  expect(registry).toMatch(/import \{ acme \}.*import \{ asleep \}.*import \{ sahha \}/s)
  run(bin('drizzle-kit/bin.cjs'), 'generate')
  run(...source('migrations/comment.ts'))
  run(bin('typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--noEmit')
  const results = run(bin('vitest/vitest.mjs'), 'run', ...COMMON, '--reporter=verbose', '--no-color')
  for (const test of [
    `'acme' 'record' > is stored as the rows`,
    `'acme' > stores its example`,
    'replay --all changes no row',
  ])
    expect(results).toMatch(new RegExp(`✓.* > ${test}`))
}, 180_000)
