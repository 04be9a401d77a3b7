// Vitest runs this file again before each test file, in which log-guard.ts stays the same module as for its importers.
import { afterAll, expect } from 'vitest'
import { beginGuard, leaks } from './log-guard.ts'

beginGuard()

afterAll(() => {
  expect(leaks(), 'credentials, user ids or pieces of bodies in the log').toEqual([])
})
