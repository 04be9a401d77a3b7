import { it } from 'vitest'
import { CITUS_URL } from './citus.ts'

/** Why a test is skipped where TEST_CITUS_URL is set. docs/scale.md lists the tests. */
const REASONS = {
  plan: 'EXPLAIN shows plans of one server. On Citus a person is looked for in every shard, with plans of the nodes.',
  statistics:
    'It reads the statistics of a table of one server. On Citus those of the shards are on the nodes.',
  role: 'It creates and drops a role of a whole server. On Citus that would be a role of every node and database.',
} as const

/** `it` for what exists on one server only. */
export const itOnOneServer = (reason: keyof typeof REASONS) => it.skipIf(CITUS_URL && REASONS[reason])
