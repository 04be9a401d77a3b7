import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { statusCommand } from '../src/cli/status.ts'
import { statusText } from '../src/cli/status-text.ts'
import { faultsOf } from '../src/status/faults.ts'
import type { DatabaseReport } from '../src/status/read.ts'
import { askService } from '../src/status/service.ts'
import { durationOf } from '../src/status/units.ts'
import { biomarker, dataLog, inference, score, session, USER } from './setup/bodies.ts'
import { guardLine } from './setup/log-guard.ts'
import { built } from './setup/program.ts'
import { ASLEEP_KEY, SAHHA_SECRET, setup, type TestService } from './setup/service.ts'

const directory = mkdtempSync(join(tmpdir(), 'nightpost-status-'))

let service: TestService
let url: string
beforeAll(async () => {
  service = await setup({ QUARANTINE_UNVERIFIED_MAX_BYTES: '1000000' })
  url = await service.app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(async () => {
  await service.close()
  rmSync(directory, { recursive: true })
})
beforeEach(() => service.db.query('delete from deliveries; delete from unverified_deliveries'))

const environment = () => ({
  DATABASE_URL: service.db.url,
  ASLEEP_API_KEYS: ASLEEP_KEY,
  SAHHA_WEBHOOK_SECRETS: SAHHA_SECRET,
  PORT: String((service.app.server.address() as AddressInfo).port),
})

/** Settings of the process that runs `nightpost status`, in place of the service's. */
let visible: Record<string, string> = {}
afterEach(() => {
  visible = {}
})

/** Runs `nightpost status` in this process. Returns what it prints, and its exit code. */
async function status(...options: string[]) {
  for (const [name, value] of Object.entries({ ...environment(), ...visible })) vi.stubEnv(name, value)
  let text = ''
  const take = (chunk: unknown) => {
    text += chunk
    return true
  }
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(take),
  )
  const before = process.exitCode
  process.exitCode = 0
  try {
    // A test of another file may have changed where the command writes.
    const output = { writeOut: take, writeErr: take }
    await statusCommand.exitOverride().configureOutput(output).parseAsync(options, { from: 'user' })
  } catch (error) {
    process.exitCode = (error as { exitCode: number }).exitCode
  } finally {
    for (const spy of spies) spy.mockRestore()
    vi.unstubAllEnvs()
  }
  const code = process.exitCode
  process.exitCode = before
  guardLine(text)
  return { code, text }
}

const emptyReport: DatabaseReport = {
  ...{
    lastStored: [],
    recent: [],
    problems: [],
    unverified: [],
    drift: [],
    ahead: null,
    unfinishedErasures: null,
    reconciled: [],
    now: 0,
  },
  ...{ ledgerBytes: 0, databaseBytes: 0 },
}

const BIOMARKER = 'BiomarkerCreatedIntegrationEvent'
const SCORE = 'ScoreCreatedIntegrationEvent'

describe('nightpost status', () => {
  it('prints recent deliveries by outcome, and exits with 0 if nothing is wrong', async () => {
    await service.asleep(inference(), USER)
    await service.sahha(biomarker({ category: 'sleep' }))
    await service.sahha(biomarker({ id: 'b-2', category: 'sleep' }))
    await service.sahha({ message: 'test' }, 'MysteryEvent')
    await service.sahha({ message: 'other test' }, 'OtherMysteryEvent')
    const { code, text } = await status('--max-silence', '1h')
    expect(text).toMatch(/asleep +│ INFERENCE_COMPLETE +│ \d+ s ago +│ 1 \/ 1 +│ 0 \/ 0/)
    expect(text).toMatch(/sahha +│ BiomarkerCreatedIntegrationEvent +│ \d+ s ago +│ 2 \/ 2/)
    expect(text.match(/sahha +│ unknown .*/g)).toEqual([
      expect.stringMatching(/never +│ 0 \/ 0 +│ 0 \/ 0 +│ 2 \/ 2 +│ unrecognised \(2\)/),
    ])
    expect(text).not.toContain('MysteryEvent')
    expect(text).toMatch(/queue +0 deliveries, 0 % full/)
    expect(text).toContain('All is well.')
    expect(code).toBe(0)
  })

  it('exits with 1 for a silent vendor, a rejected body and a refused credential, and names each', async () => {
    await service.sahha(biomarker({ category: 'sleep' }))
    await service.db.query(`update deliveries set received_at = now() - interval '25 hours'`)
    for (const id of [1, 2]) await service.sahha(biomarker({ id }), BIOMARKER)
    await service.post('sahha', { 'x-signature': 'f'.repeat(64) }, score())
    const { code, text } = await status('--max-silence', '24h')
    expect(text).toMatch(/rejected h\/d[\s\S]*│ 2 \/ 2 +│ 0 \/ 0 +│ invalid_body \/id \(2\)/)
    expect(text).toContain('WRONG  The last delivery of sahha was stored 25 h ago.')
    expect(text).toContain('WRONG  No delivery of asleep was ever stored.')
    expect(text).toContain('WRONG  The latest requests for sahha were refused: x-signature wrong (1 since')
    expect(text).toContain('WRONG  The quarantine holds 1 delivery for sahha that came with x-signature')
    expect(text).toContain(`WRONG  sahha: 2 ${BIOMARKER} deliveries rejected in the last hour.`)
    expect(code).toBe(1)
  })

  it('reads only the database with --no-service, and accepts thresholds by event', async () => {
    await service.asleep(inference(), USER)
    await service.db.query(`update deliveries set received_at = now() - interval '2 hours'`)
    const event = 'asleep/INFERENCE_COMPLETE'
    const wide = await status('--no-service', '--max-silence', `${event}=3h`)
    expect(wide).toEqual({ code: 0, text: expect.not.stringContaining('queue') })
    expect(await status('--no-service', '--max-silence', `${event}=1h`)).toMatchObject({ code: 1 })
    expect(await status('--max-silence', 'soon')).toMatchObject({
      code: 1,
      text: expect.stringContaining('24h'),
    })
  })

  it('judges silence by what the database knows where no credential is visible', async () => {
    visible = { ASLEEP_API_KEYS: '', SAHHA_WEBHOOK_SECRETS: '' }
    const never = await status('--no-service', '--max-silence', '24h')
    expect(never.text).toContain('WRONG  No delivery of any vendor was ever stored.')
    expect(never.code).toBe(1)

    await service.sahha(biomarker({ category: 'sleep' }))
    expect(await status('--no-service', '--max-silence', '24h')).toMatchObject({ code: 0 })
    await service.db.query(`update deliveries set received_at = now() - interval '25 hours'`)
    const silent = await status('--no-service', '--max-silence', '24h')
    expect(silent.text).toContain('WRONG  The last delivery of sahha was stored 25 h ago.')
    expect(silent.text).not.toContain('asleep')
    expect(silent.code).toBe(1)
    expect(await status('--no-service', '--max-silence', '26h')).toMatchObject({ code: 0 })
  })

  it('judges silence by the configured vendors where a credential is visible', async () => {
    visible = { SAHHA_WEBHOOK_SECRETS: '' }
    await service.sahha(biomarker({ category: 'sleep' }))
    await service.db.query(`update deliveries set received_at = now() - interval '25 hours'`)
    const { text } = await status('--no-service', '--max-silence', '24h')
    expect(text.match(/WRONG .*/g)).toEqual(['WRONG  No delivery of asleep was ever stored.'])
  })

  it('shows schema drift by path, without any value', async () => {
    for (const user of ['drift-a', 'drift-b', 'drift-c', 'drift-d']) {
      const data = { user_id: user, stat: { lucid_index: 7 }, peculiarities: ['SLEPT_ELSEWHERE'] }
      await service.asleep(session({ id: user }, data), user)
    }
    const { text } = await status('--no-service')
    expect(text).toMatch(/SESSION_COMPLETE +│ unknown field +│ data\.stat\.lucid_index +│ 4 of 4/)
    expect(text).toMatch(/unknown value +│ data\.peculiarities\[\] +│ 4 of 4/)
    expect(text).not.toMatch(/ELSEWHERE|drift-a/)
  })

  it('shows mistyped values, records without row, and misnamed events', async () => {
    await service.sahha(biomarker({ id: 'n', category: 'sleep', value: 72 }), SCORE)
    await service.sahha(dataLog([{ id: 'a' }, { id: 'b', value: '1' }, { value: 'secret' }]))
    const { code, text } = await status('--no-service')
    expect(text).toMatch(/Biomarker\w+ +│ mistyped, so NULL +│ value +│ 1 of 1/)
    expect(text).toMatch(/Biomarker\w+ +│ sent under the name +│ ScoreCreatedIntegrationEvent +│ 1 of 1/)
    expect(text).toMatch(/DataLog\w+ +│ mistyped, so NULL +│ dataLogs\[\]\.value +│ 1 of 1/)
    expect(text).toMatch(/DataLog\w+ +│ record without row +│ dataLogs\[\] +│ 1 of 1/)
    expect(text).not.toContain('secret')
    expect(code).toBe(0)
  })

  it('prints a pending step of an upgrade, and what it waits for', async () => {
    const text = statusText([], null, null)
    expect(text).toBe('\nAll is well.\n')
    const report = { faults: [], queue: { deliveries: 0, full: 0 }, skew: 0, refused: [], shed: {} }
    const steps = [
      { name: 'key of data_logs', waitsFor: 'version 0.1.0, which has 2 connections' },
      { name: 'invalid indexes', waitsFor: null },
    ]
    const printed = statusText([], emptyReport, { ...report, onlineSteps: steps })
    expect(printed).toContain(
      'upgrade     step key of data_logs waits for version 0.1.0, which has 2 connections\n',
    )
    expect(printed).toContain('upgrade     step invalid indexes is running\n')
  })

  it('prints JSON with --json', async () => {
    await service.sahha(biomarker({ category: 'sleep' }))
    const { code, text } = await status('--json')
    expect(code).toBe(0)
    expect(JSON.parse(text)).toMatchObject({
      faults: [],
      database: { recent: [{ vendor: 'sahha', event: BIOMARKER, outcome: 'stored', hour: 1, day: 1 }] },
      service: { queue: { deliveries: 0, full: 0 }, onlineSteps: [], shed: { heap: 0 } },
    })
  })

  it('reports that the service, or the database, does not answer', async () => {
    const lone = await status('--service', 'http://127.0.0.1:65437')
    expect(lone).toMatchObject({
      code: 1,
      text: expect.stringContaining('The service at http://127.0.0.1:65437 does not answer (ECONNREFUSED)'),
    })
    const other = await setup()
    const real = service
    service = { ...real, db: { ...real.db, url: other.db.url } }
    await other.db.drop()
    const dead = await status('--service', url)
    service = real
    expect(dead).toMatchObject({
      code: 1,
      text: expect.stringMatching(/The database does not answer \((3D000|08P01|Query read timeout)\)/),
    })
    await other.app.close()
  })
})

it('reports a queue that is more than half full as a fault', async () => {
  const small = await setup({}, { waitingDeliveries: 4, writers: 1 })
  const url = await small.app.listen({ port: 0, host: '127.0.0.1' })
  const holder = await small.db.lock('lock table deliveries in access exclusive mode')
  const posts = ['a', 'b', 'c', 'd'].map((id) => small.sahha(biomarker({ id, category: 'sleep' })))
  const seen: Array<{ deliveries: number; full: number }> = []
  const queue = async () => {
    const now = (await askService(url, undefined)).queue
    seen.push(now)
    return now
  }
  await expect.poll(queue).toEqual({ deliveries: 3, full: 0.75 })

  const faults = (queue: { deliveries: number; full: number }) =>
    faultsOf(emptyReport, { faults: [], queue, refused: [], skew: 0 }, [], {
      silence: new Map(),
      rejected: 0,
    })
  expect(faults(seen.at(-1) as (typeof seen)[number])).toEqual(['The queue is 75 % full: 3 deliveries wait.'])
  expect(faults({ deliveries: 2, full: 0.5 })).toEqual([])
  await holder.release()
  await Promise.all(posts)
  await expect.poll(queue).toEqual({ deliveries: 0, full: 0 })
  await small.close()
})

it('exits with status 1 as a program, for use from cron', async () => {
  const child = spawn(process.execPath, [...built('cli/main'), 'status', '--max-silence', '1s'], {
    cwd: directory,
    env: { PATH: process.env.PATH, ...environment() },
  })
  let text = ''
  child.stdout.on('data', (data) => {
    text += data
  })
  expect(await new Promise((done) => child.once('close', done))).toBe(1)
  expect(text).toContain('WRONG  No delivery of asleep was ever stored.')
})

it.each([
  ['90s', 90_000],
  ['15m', 900_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  ['7', undefined],
  ['-1h', undefined],
  ['1.5h', undefined],
])('%s is %s ms', (text, ms) => {
  expect(durationOf(text)).toBe(ms)
})
