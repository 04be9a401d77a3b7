import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { createProgram } from '../../src/cli/program.ts'
import { createDatabase, type TestDatabase } from '../setup/database.ts'
import { built } from '../setup/program.ts'

const root = join(import.meta.dirname, '../..')

// Each process takes a second, and several on a busy machine.
vi.setConfig({ testTimeout: 120_000 })
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const directory = mkdtempSync(join(tmpdir(), 'nightpost-cli-'))

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
  // A command of this name, as an installation has it.
  const call = [process.execPath, ...built('cli/main')].map((word) => `'${word}'`).join(' ')
  writeFileSync(join(directory, 'nightpost'), `#!/bin/sh\nexec ${call} "$@"\n`, { mode: 0o755 })
})
afterAll(async () => {
  await db.drop()
  rmSync(directory, { recursive: true })
})

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a bash script in which `nightpost` is the built program. */
function bash(script: string): Promise<Ended> {
  return ended('bash', ['-c', script])
}

/** Runs a bash script on a terminal that is 60 columns wide. What it prints on both streams is `stdout`. */
function onTerminal(script: string): Promise<Ended> {
  const file = join(directory, 'script.bash')
  writeFileSync(file, `stty cols 60\n${script}\n`)
  return process.platform === 'linux'
    ? ended('script', ['-qec', `bash '${file}'`, '/dev/null'])
    : ended('script', ['-q', '/dev/null', 'bash', file])
}

function ended(program: string, given: string[]): Promise<Ended> {
  const child = spawn(program, given, {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: `${directory}:${process.env.PATH}`, TERM: 'xterm', DATABASE_URL: db.url },
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (data) => {
      output[name] += data
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? -1, ...output }))
  })
}

describe('the exit status', () => {
  it('is 0, 1 or 2 with data alone on standard output of a pipe', async () => {
    const done = await bash('nightpost sql --csv "select 1 as n"')
    expect(done).toEqual({ code: 0, stdout: 'n\r\n1\r\n', stderr: '' })
    const wrong = await bash('nightpost sql "select nope"')
    expect(wrong).toMatchObject({ code: 1, stdout: '' })
    expect(wrong.stderr).toBe(
      'ERROR:  column "nope" does not exist (SQLSTATE 42703)\nLINE 1: select nope\n               ^\n',
    )
    const used = await bash('nightpost sql')
    expect(used).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^error: give a query/) })
  })

  it('is the same on a terminal, whose width tables and errors keep to', async () => {
    const { stdout } = await onTerminal(`
      nightpost sql "select repeat('a', 60) as a, 'b' as b"; echo "status $?"
      nightpost sql "select nope"; echo "status $?"
      nightpost replay --vendor nobody; echo "status $?"`)
    expect(stdout.match(/status \d/g)).toEqual(['status 0', 'status 1', 'status 2'])
    expect(stdout).toMatch(/┌─{3}┬─{54}┐\r\n│ a │ a{52} │\r\n│ {3}│ a{8} +│/)
    expect(stdout).toContain('Allowed choices are asleep, sahha.')
  })
})

it('a reader that goes away ends each command quietly', async () => {
  const { code, stdout, stderr } = await bash(`
    read_one() { head -c 20 > /dev/null; }
    nightpost sql "select i from generate_series(1, 2000000) i" | read_one; echo "\${PIPESTATUS[0]}"
    nightpost sql "copy (select i from generate_series(1, 2000000) i) to stdout" | read_one; echo "\${PIPESTATUS[0]}"
    nightpost openapi | true; echo "\${PIPESTATUS[0]}"
    nightpost status --no-service | true; echo "\${PIPESTATUS[0]}"`)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe('0\n0\n0\n0\n')
})

it('standard output that is full is an error, in one line', async () => {
  const { code, stderr } = await bash(
    process.platform === 'linux' ? 'nightpost --help > /dev/full' : 'nightpost --help >&-',
  )
  expect(code).toBe(1)
  expect(stderr).toMatch(/^standard output can't be written: .*\n$/)
})

it('progress goes to the terminal and the report to standard output', async () => {
  await db.query(`
    insert into deliveries (owner, vendor, body_digest, delivery_id, authenticated_by, outcome, body, headers, received_at,
      last_received_at, times_received, normaliser_version)
    select '', 'sahha', sha256('{'), '00000000-0000-7000-8000-000000000001', 'api_key', 'rejected', '{', '{}', now(), now(), 1, 1`)
  const { stdout } = await onTerminal('nightpost replay --json > report.json; echo "status $?"')
  expect(stdout).toMatch(/deliveries .* 1\/1/)
  expect(stdout).toContain('status 1')
  expect(JSON.parse(readFileSync(join(directory, 'report.json'), 'utf8'))).toEqual({
    ...{ deliveries: 1, failed: 1, changedRows: null, dryRun: false, interrupted: false },
    transitions: [{ from: 'rejected', to: 'rejected', count: 1 }],
    problems: { malformed_json: 1 },
  })
})

it('completion for bash offers commands, options and choices, and runs nothing of the command line', async () => {
  const { stdout, stderr } = await bash(`
    source <(nightpost completion bash)
    try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nightpost; echo "\${COMPREPLY[*]}"; }
    try nightpost re
    try nightpost sql --d
    try nightpost replay --vendor ''
    try nightpost completion f
    try nightpost sql '$(touch evil)' --c
    ls evil 2> /dev/null`)
  expect(stderr).toBe('')
  const [command, ...rest] = stdout.split('\n')
  expect(command).toContain('replay')
  expect(rest).toEqual(['--describe', 'asleep sahha', 'fish', '--csv', ''])
})

describe('each command', () => {
  let program: Command
  let printed = ''
  beforeAll(async () => {
    program = await createProgram(commands.map(({ name }) => name))
    const take = (text: string) => {
      printed += text
    }
    for (const one of [program, ...program.commands])
      one.configureOutput({ writeOut: take, writeErr: take, getOutHelpWidth: () => 80 })
  })

  /** What is printed, and the exit status of commander's end. */
  async function run(...words: string[]) {
    printed = ''
    const error = await program.parseAsync(words, { from: 'user' }).then(
      () => undefined,
      (error) => error,
    )
    return { text: printed, code: error?.exitCode }
  }

  const names = commands.map(({ name }) => name)

  it.each(names)('%s has help with examples, --json where it prints data, and --version', async (name) => {
    const { text, code } = await run(name, '--help')
    expect(code).toBe(0)
    expect(text).toMatch(new RegExp(`\nExamples:\n(.*\n)*? .*nightpost ${name}`))
    expect(text).not.toMatch(/default: (\{|\[|null)/)
    if (!['start', 'completion'].includes(name)) expect(text).toContain('--json')
    expect(await run(name, '--version')).toEqual({ text: `${version}\n`, code: 0 })
  })

  it.each(names)('%s refuses an option that it does not know', async (name) => {
    const required = name === 'archive' ? ['--before', '2026-01-01', '--to', 'anywhere'] : []
    expect(await run(name, ...required, '--nope')).toEqual({
      text: "error: unknown option '--nope'\n",
      code: 1,
    })
  })

  it('is listed by --help and in docs/operations.md', async () => {
    const text = (await createProgram([])).helpInformation()
    const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
    const section = page.slice(page.indexOf('\n## Command line'))
    for (const { name, summary } of commands) {
      expect(text.replaceAll(/\s+/g, ' ')).toContain(`${name} ${summary}`)
      expect(section).toContain(`| \`${name}\``)
    }
  })
})
