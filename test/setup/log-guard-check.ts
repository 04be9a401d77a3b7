// Vitest runs this file again before each test file, in which log-guard.ts stays the same module as for its importers.
import { afterAll, expect, vi } from 'vitest'
import { beginGuard, leaks } from './log-guard.ts'

beginGuard()

// What a failed test of another file may have left.
vi.useRealTimers()
vi.unstubAllEnvs()

afterAll(() => {
  expect(leaks(), 'credentials, user ids or pieces of bodies in the log').toEqual([])
})
