// Writes a migration with the comments of tables and columns that changed. drizzle-kit writes the tables themselves.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commentStatements } from '../src/db/sql/comments.ts'
import { groups, packs } from '../src/tables/bodies.ts'
import { days, daysState } from '../src/tables/days.ts'
import { ledger } from '../src/tables/deliveries.ts'
import { fence, fenceKey } from '../src/tables/erasures.ts'
import { feed } from '../src/tables/feed.ts'
import { links, ownerNames } from '../src/tables/people.ts'
import { runs } from '../src/tables/reconcile.ts'
import type { Target } from '../src/tables/target.ts'
import { quarantine } from '../src/tables/unverified.ts'
import { activity, tasks } from '../src/tables/upkeep.ts'
import { vendors } from '../src/vendors/index.ts'

const folder = import.meta.dirname
const migrationFiles = () =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()

const written = new Map<string, string>()
for (const name of migrationFiles()) {
  const statements = readFileSync(join(folder, name), 'utf8').matchAll(/^COMMENT ON (.+?) IS '.*';/gm)
  for (const [statement, what] of statements) written.set(what ?? '', statement)
}

const targets = [
  ledger as unknown as Target,
  quarantine as unknown as Target,
  groups as unknown as Target,
  packs as unknown as Target,
  tasks as unknown as Target,
  activity as unknown as Target,
  fence as unknown as Target,
  fenceKey as unknown as Target,
  feed as unknown as Target,
  ownerNames as unknown as Target,
  links as unknown as Target,
  days as unknown as Target,
  daysState as unknown as Target,
  runs as unknown as Target,
  ...vendors.flatMap((vendor) => vendor.targets),
]
const changed = [...commentStatements(targets)].filter(([what, statement]) => written.get(what) !== statement)

if (changed.length > 0) {
  execFileSync('npx', ['drizzle-kit', 'generate', '--custom', '--name', 'comments'], { stdio: 'inherit' })
  const file = join(folder, migrationFiles().at(-1) ?? '')
  writeFileSync(file, `${changed.map(([, statement]) => statement).join('\n--> statement-breakpoint\n')}\n`)
}
console.log(`${changed.length} comments changed`)
