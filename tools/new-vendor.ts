// npm run new-vendor NAME: writes the folder of a vendor that authenticates by a key, with one event, one table and one
// fixture, and registers it. What it writes compiles and passes the common tests once the migration is generated.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const [name = ''] = process.argv.slice(2)

if (!/^[a-z]{2,30}$/.test(name)) {
  console.error(
    'Usage: npm run new-vendor NAME, where NAME has 2 to 30 lower-case letters, for example oura.',
  )
  process.exit(2)
}
if (existsSync(join(root, 'src/vendors', name))) {
  console.error(`src/vendors/${name} exists already.`)
  process.exit(1)
}

const setting = `${name.toUpperCase()}_API_KEYS`
const table = `${name}_records`
const variable = `${name}Records`

const example = {
  event: 'record.updated',
  user_id: 'user-1',
  id: 'record-1',
  value: 78,
  timestamp: '2025-01-22T06:30:00+00:00',
  updated_at: '2025-01-22T07:00:00Z',
}

const files: Record<string, string> = {
  [`src/vendors/${name}/index.ts`]: `import { Type } from '@sinclair/typebox'
import { apiKeyCheck } from '../../contract/secrets.ts'
import type { Headers, Vendor } from '../../contract/vendor.ts'
import { recordExample, recordUpdated } from './record-updated.ts'
import { records } from './tables/records.ts'

const events = [recordUpdated]

/** ${name}: replace this line by what the vendor is, and by the address of its documentation. */
export const ${name}: Vendor = {
  name: '${name}',
  credentials: { ${setting}: 'Keys that callbacks of ${name} may carry in x-api-key' },
  schemes: { api_key: { userHeader: null, required: false } },
  headers: Type.Object({ 'x-api-key': Type.Optional(Type.String({ description: 'One of ${setting}' })) }),
  keptHeaders: [],
  proofs: { 'x-api-key': { setting: '${setting}', kind: 'key' } },
  events,
  targets: [records],
  normaliserVersion: 1,

  authenticator(credentials) {
    const keys = credentials('${setting}')
    if (keys.length === 0) return null
    const isKey = apiKeyCheck(keys)
    const fromHeaders = ({ 'x-api-key': key }: Headers) =>
      typeof key === 'string' && isKey(key) ? 'api_key' : null
    return { fromHeaders, authenticate: fromHeaders }
  },

  identify(_headers, { event, user_id }) {
    return {
      name: typeof event === 'string' ? event : null,
      event: events.find(({ name }) => name === event),
      owner: user_id,
      user: user_id,
    }
  },

  example(credentials) {
    const [key = ''] = credentials('${setting}')
    return { headers: { 'x-api-key': key }, body: JSON.stringify(recordExample) }
  },
}
`,
  [`src/vendors/${name}/record-updated.ts`]: `import { Type } from '@sinclair/typebox'
import { defineEvent } from '../../contract/event.ts'
import { instant, localDate, utcOffsetMinutes } from '../../contract/instant.ts'
import { Decimal, Id, Instant, Maybe, Text } from '../../contract/schema.ts'
import { rowsFor } from '../../tables/target.ts'
import { records } from './tables/records.ts'

/** Invented data, in the form that the vendor sends. */
export const recordExample = ${inspect(example)}

const RecordUpdated = Type.Object(
  {
    event: Text(),
    user_id: Id(),
    id: Id(),
    value: Maybe(Decimal()),
    timestamp: Maybe(Instant({ description: "Its offset carries the user's local day" })),
    updated_at: Maybe(Instant({ description: 'UTC if it has no offset' })),
  },
  { title: '${name} record' },
)

export const recordUpdated = defineEvent({
  name: '${example.event}',
  schema: RecordUpdated,
  example: recordExample,
  createdAt: (body) => body.updated_at,
  normalise: (body) => [
    rowsFor(records, [
      {
        user_id: body.user_id,
        id: body.id,
        value: body.value ?? null,
        timestamp: instant(body.timestamp),
        utc_offset_minutes: utcOffsetMinutes(body.timestamp),
        local_date: localDate(body.timestamp),
        updated_at: instant(body.updated_at),
      },
    ]),
  ],
})
`,
  [`src/vendors/${name}/tables/records.ts`]: `import { date, pgTable, primaryKey, smallint, text } from 'drizzle-orm/pg-core'
import { decimal, instant, provenance, provenanceComments } from '../../../tables/columns.ts'
import { target } from '../../../tables/target.ts'

export const ${variable} = pgTable(
  '${table}',
  {
    user_id: text().notNull(),
    id: text().notNull(),
    value: decimal(),
    timestamp: instant(),
    utc_offset_minutes: smallint(),
    local_date: date({ mode: 'string' }),
    updated_at: instant(),
    ...provenance,
  },
  (t) => [primaryKey({ columns: [t.user_id, t.id] })],
)

export const records = target(${variable}, {
  about: 'Records of ${name} (${example.event}), the newest revision of each.',
  newest: ['updated_at'],
  comments: {
    user_id: 'user_id: the user that the record belongs to; opaque text.',
    id: 'id: the record. An update arrives under the same id.',
    value: 'value: say here what it measures, and in which unit.',
    timestamp: 'timestamp: the moment that the record is for.',
    utc_offset_minutes: 'UTC offset that timestamp was sent with, in minutes; NULL if it had none.',
    local_date: "Calendar date of timestamp in its own offset: the user's day.",
    updated_at: 'updated_at: when the vendor made this revision; the newest one is kept.',
    ...provenanceComments,
  },
})
`,
  [`test/fixtures/${name}/record.json`]: `${JSON.stringify(example, null, 2)}\n`,
  [`test/fixtures/${name}/record.rows.json`]: JSON.stringify({ [table]: [rowOf(example)] }, null, 2),
}

for (const [file, text] of Object.entries(files)) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}
edit('src/vendors/index.ts', (text) =>
  text
    .replace(/(?:import \{ \w+ \} from '\.\/\w+\/index\.ts'\n)+/, (imports) =>
      `${imports}import { ${name} } from './${name}/index.ts'\n`
        .split(/(?<=\n)/)
        .sort()
        .join(''),
    )
    .replace(/(vendors: readonly Vendor\[\] = \[[^\]]+)\]/, `$1, ${name}]`),
)
edit('.env.example', (text) =>
  text.replace(
    /(\nSAHHA_API_KEYS=.*\n)/,
    `$1\n# Keys that callbacks of ${name} may carry in x-api-key.\n${setting}=\n`,
  ),
)
edit('docker-compose.yml', (text) =>
  text.replace(/(\n +)(SAHHA_API_KEYS: .*)/, `$1$2$1${setting}: \${${setting}:-}`),
)

console.log(`${Object.keys(files).concat('src/vendors/index.ts', '.env.example', 'docker-compose.yml').join('\n')}

Next:
  npm run db:generate                              the migration, with comments. Read it.
  npm run openapi && npm run docs && npm run statements
  npx vitest run test/events.test.ts -u            the fixture's rows. Read them.

Then decide:
  - How the vendor authenticates (authenticator, schemes, proofs), and which header names the user, if any.
  - How a body names its event (identify). It must not throw, whatever the body holds.
  - Which fields are required: only those that the row's key and meaning need. All others are Maybe(…).
  - What tells two revisions of a record apart (newest). Without it, the one received last is kept.
  - Whether the vendor has an API to ask for what it did not deliver: pull, in a file of its own (src/contract/pull.ts),
    with the scheme [PULL], and the column ...pulled in the tables. nightpost reconcile then knows the vendor.
  - Whether analysts may read the table: a migration that replaces grant_nightpost_reader(). Copy the function
    from the newest migration that has it, and add the table.
  - What the vendor sends for real: add its documentation's examples to test/fixtures/${name}.
  - README.md (Connect the vendors), docs and CHANGELOG.md.
`)

function edit(file: string, change: (text: string) => string): void {
  const before = readFileSync(join(root, file), 'utf8')
  const after = change(before)
  if (after === before) throw new Error(`${file} does not have the place where ${name} belongs.`)
  writeFileSync(join(root, file), after)
}

/** The row that the example makes, as Postgres writes it. */
function rowOf({ user_id, id, value }: typeof example) {
  return {
    ...{ user_id, id, value: `${value}`, timestamp: '2025-01-22 06:30:00+00', utc_offset_minutes: '0' },
    ...{ local_date: '2025-01-22', updated_at: '2025-01-22 07:00:00+00' },
  }
}

/** An object literal as Biome formats it. */
function inspect(value: Record<string, unknown>): string {
  const lines = Object.entries(value).map(
    ([key, one]) => `  ${key}: ${typeof one === 'string' ? `'${one}'` : one},`,
  )
  return `{\n${lines.join('\n')}\n}`
}
