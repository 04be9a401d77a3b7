import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { clusterHome } from '../../src/embedded/index.ts'
import { built } from '../setup/program.ts'

const directory = mkdtempSync(join(tmpdir(), 'nightpost-demo-'))
chmodSync(directory, 0o755)
const home = clusterHome(join(directory, '.data'))
afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
  rmSync(home, { recursive: true, force: true })
})

async function demo(environment: Record<string, string>) {
  const child = spawn(process.execPath, [...built('cli/main'), 'demo', '--users', '2', '--nights', '2'], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data
    })
  }
  const [code] = await once(child, 'exit')
  return { code, output }
}

it('npm run demo, in an empty directory, prints a hypnogram, a week of nights and what to try next', async () => {
  const { code, output } = await demo({})
  expect(output).toContain('every answer as expected.')
  expect(output).toMatch(/Night ending 3 November 2025, .*\n\nWake .*█\nREM .*█\nLight .*█/)
  expect(output).toMatch(/│ 2025-11-03 │ \d\d:\d\d/)
  expect(output).toContain('Try next')
  expect(code).toBe(0)
}, 120_000)

it('npm run demo refuses to run if DATABASE_URL is set', async () => {
  const { code, output } = await demo({ DATABASE_URL: 'postgres://127.0.0.1:1/production' })
  expect(output).toContain('unset DATABASE_URL')
  expect(code).toBe(1)
})
