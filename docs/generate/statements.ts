import { getTableName } from 'drizzle-orm'
import { describeGiven, describeHeld, removeDescribed } from '../../src/db/sql/comparing-statements.ts'
import { describeKeyed, tellRejudged } from '../../src/db/sql/feed-statements.ts'
import { fencedDeliveries } from '../../src/db/sql/fence.ts'
import { insertGroup } from '../../src/db/sql/insert-group.ts'
import {
  countDuplicates,
  lockDeliveries,
  moveDeliveries,
  present,
  updateVerdicts,
} from '../../src/db/sql/ledger-statements.ts'
import { recordOwners } from '../../src/db/sql/owner-statements.ts'
import type { Parameter, Statement } from '../../src/db/sql/parameters.ts'
import { deleteOldestUnverified, insertUnverified } from '../../src/db/sql/quarantine-statements.ts'
import {
  countHeld,
  insertEntries,
  insertOwners,
  insertUnownedEntries,
  knownOwners,
  linksOf,
  lockHeld,
} from '../../src/db/sql/shard-statements.ts'
import { keyOf, upsert } from '../../src/db/sql/upserts.ts'
import { type Plan, plansFor } from '../../src/db/write/plan.ts'
import type { Target } from '../../src/tables/target.ts'
import { vendors } from '../../src/vendors/index.ts'
import { formatSql } from './sql-format.ts'

/** A statement, and the call that makes it. */
export interface WriteStatement {
  readonly call: string
  readonly file: string
  readonly text: string
  /** Types of `$1`, `$2` and so on, each behind its name. */
  readonly parameters: readonly string[]
}

const LEDGER = 'src/db/sql/ledger-statements.ts'
const UPSERTS = 'src/db/sql/upserts.ts'
const COMPARING = 'src/db/sql/comparing-statements.ts'
const FEED = 'src/db/sql/feed-statements.ts'
const SHARD = 'src/db/sql/shard-statements.ts'
const QUARANTINE = 'src/db/sql/quarantine-statements.ts'

const nameOf = ({ table }: Target) => getTableName(table)

/** Long values are one parameter for all rows. Of every other parameter a row has one element. */
const described = ({ name, type, part, isScalar }: Parameter) =>
  isScalar || part?.is === 'all' ? `${name} ${type}` : `${name} ${type}[]`

const made = (
  call: string,
  file: string,
  { text, parameters }: Pick<Statement, 'text' | 'parameters'>,
): WriteStatement => ({ call, file, text, parameters: parameters.map(described) })

const withParameters = (
  call: string,
  file: string,
  { text }: Pick<Statement, 'text'>,
  ...parameters: string[]
): WriteStatement => ({ call, file, text, parameters })

const targets = vendors.flatMap((vendor) => vendor.targets)
const plans = plansFor(targets)
const withFormerKey = plansFor(targets, {
  former: new Set(targets.filter(({ formerKey }) => formerKey !== undefined)),
}).filter(({ target }) => target.formerKey !== undefined)

/** The plans for the rows of each event's example, every plan alone, none, and all of them: each set once. */
function groups(): Plan[][] {
  const events = vendors.flatMap((vendor) => vendor.events)
  const ofEvents = events.map((event) => {
    const judgement = event.toRows(event.example as Parameters<typeof event.toRows>[0])
    const used = 'rows' in judgement ? judgement.rows.filter(({ rows }) => rows.length > 0) : []
    return plans.filter((plan) => used.some(({ target }) => target === plan.target))
  })
  const sets = [[], ...plans.map((plan) => [plan]), ...ofEvents, plans]
  return [...new Map(sets.map((set) => [set.map(({ target }) => nameOf(target)).join(), set])).values()]
}

const grouped = (set: readonly Plan[], suffix = '') =>
  made(
    `insertGroup(${set.map(({ target }) => nameOf(target)).join(', ')})${suffix}`,
    'src/db/sql/insert-group.ts',
    insertGroup(set),
  )

const PREVIOUS_KEY = ', by the previous primary key'

/** Every statement that writes a row of a delivery, and those that a replay reads by, in the order of the page. */
export function writeStatements(): ReadonlyArray<readonly [heading: string, statements: WriteStatement[]]> {
  return [
    [
      `A group of deliveries (src/db/write/writer.ts). A group may have rows for any set of tables. These are: no
-- table, each table alone, the tables of each event's example, and all tables together.`,
      [...groups().map((set) => grouped(set)), ...withFormerKey.map((plan) => grouped([plan], PREVIOUS_KEY))],
    ],
    [
      `Deliveries that the ledger has already, and deliveries that are too large for one statement
-- (src/db/write/writer.ts, src/db/write/plan.ts).`,
      [
        made('countDuplicates', LEDGER, countDuplicates),
        made('fencedDeliveries', 'src/db/sql/fence.ts', fencedDeliveries),
        made('recordOwners', 'src/db/sql/owner-statements.ts', recordOwners),
        ...plans.flatMap((plan) => rowStatements(plan)),
        ...withFormerKey.map(({ target, key }) =>
          made(`upsert(${nameOf(target)})${PREVIOUS_KEY}`, UPSERTS, upsert(target, key)),
        ),
      ],
    ],
    [
      'Replay (src/replay/rewriter.ts, src/replay/changed-rows.ts, src/replay/dry-run-writer.ts, src/replay/rebuild.ts)',
      [
        made('lockDeliveries', LEDGER, lockDeliveries),
        made('updateVerdicts', LEDGER, updateVerdicts),
        made('moveDeliveries', LEDGER, moveDeliveries),
        made('present', LEDGER, present),
        ...plans.map(({ target }) =>
          made(
            `upsert(${nameOf(target)}), only differing rows`,
            UPSERTS,
            upsert(target, keyOf(target), { onlyDiffering: true }),
          ),
        ),
        ...targets.flatMap(comparingStatements),
        ...plans.flatMap(keyedStatements),
        made('tellRejudged', FEED, tellRejudged),
      ],
    ],
    [
      `A group of one shard on Citus (src/db/citus/citus-writer.ts). Citus plans each of these statements as one task. The parameters
-- of insertUnownedEntries and insertOwners are single values; the service uses them for 1, 8 and 64 rows.`,
      [
        made('knownOwners', SHARD, knownOwners),
        made('insertEntries', SHARD, insertEntries),
        withParameters(
          'insertUnownedEntries(1)',
          SHARD,
          insertUnownedEntries(1),
          ...insertUnownedEntries(1).types,
        ),
        made('lockHeld', SHARD, lockHeld),
        made('countHeld', SHARD, countHeld),
        made('linksOf', SHARD, linksOf),
        withParameters('insertOwners(1)', SHARD, insertOwners(1), ...insertOwners(1).types),
        ...plansFor(targets, { ofShard: true }).flatMap((plan) => rowStatements(plan, ', of a shard')),
      ],
    ],
    [
      'Quarantine (src/db/quarantine.ts)',
      [
        made('insertUnverified', QUARANTINE, insertUnverified),
        withParameters('deleteOldestUnverified', QUARANTINE, deleteOldestUnverified, 'max_bytes bigint'),
      ],
    ],
  ]
}

function rowStatements({ target, upsert, deleteByDelivery, parts }: Plan, suffix = ''): WriteStatement[] {
  return [
    made(`upsert(${nameOf(target)})${suffix}`, UPSERTS, upsert),
    ...parts.flatMap(({ target: part, clear, insert }) => [
      made(`partStatements(${nameOf(part)}).clear${suffix}`, UPSERTS, clear),
      made(`partStatements(${nameOf(part)}).insert${suffix}`, UPSERTS, insert),
    ]),
    made(`deleteByDelivery(${nameOf(target)})${suffix}`, UPSERTS, deleteByDelivery),
  ]
}

function keyedStatements({ target, parts }: Plan): WriteStatement[] {
  return [
    made(`describeKeyed(${nameOf(target)})`, FEED, describeKeyed(target, target)),
    ...parts.map(({ target: part, parentKey }) =>
      made(`describeKeyed(${nameOf(part)}, ${nameOf(target)})`, FEED, describeKeyed(part, target, parentKey)),
    ),
  ]
}

function comparingStatements(target: Target): WriteStatement[] {
  const name = nameOf(target)
  const remove = removeDescribed(target)
  return [
    made(`describeGiven(${name})`, COMPARING, describeGiven(target)),
    withParameters(`describeHeld(${name})`, COMPARING, describeHeld(target), 'owner text'),
    ...(target.partOf === undefined
      ? [withParameters(`removeDescribed(${name})`, COMPARING, remove, 'owner text', 'fingerprints bigint[]')]
      : []),
  ]
}

const HEADER = `-- Every write statement as Postgres gets it, written by \`npm run statements\`. A test compares the two.
-- Nothing executes this file. The names before the files are the functions that make the statements.
-- A parameter of an array type has one element for each row. A parameter X that is no array, or that has an X_at and an
-- X_length behind it, has the values of all rows end to end: X_at and X_length say where each row's value is.`

/** Returns the text of src/db/sql/statements.sql. */
export function statementsPage(): string {
  const sections = writeStatements().map(([heading, statements]) =>
    [`-- ${'='.repeat(117)}\n-- ${heading}`, ...statements.map(entry)].join('\n\n'),
  )
  return `${[HEADER, ...sections].join('\n\n')}\n`
}

function entry({ call, file, text, parameters }: WriteStatement): string {
  const numbered = parameters.map((parameter, at) => `$${at + 1} ${parameter}`)
  return [`-- ${call}: ${file}`, ...commentLines(numbered), `${formatSql(text)};`].join('\n')
}

function commentLines(items: readonly string[]): string[] {
  const lines: string[] = []
  for (const [at, item] of items.entries()) {
    const text = at < items.length - 1 ? `${item},` : item
    const longer = `${lines.at(-1)} ${text}`
    if (lines.length > 0 && longer.length <= 120) lines[lines.length - 1] = longer
    else lines.push(`--   ${text}`)
  }
  return lines
}
