import { boolean, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { instant } from './columns.ts'
import { target } from './target.ts'

/** The runs of `nightpost reconcile`, and of the same in the background. It names nobody. */
export const reconcileRuns = pgTable(
  'reconcile_runs',
  {
    run_id: uuid().notNull(),
    vendor: text().notNull(),
    started_by: text().notNull(),
    only_some: boolean().notNull(),
    began_at: instant().notNull(),
    finished_at: instant(),
    period_from: instant().notNull(),
    period_to: instant().notNull(),
    outcome: text(),
    reason: text(),
    people: integer(),
    calls: integer(),
    missing: integer(),
    differing: integer(),
    pulled: integer(),
    kept: integer(),
    failures: integer(),
    behind: integer(),
    suspect_days: integer(),
  },
  (t) => [primaryKey({ columns: [t.run_id] })],
)

export const runs = target(reconcileRuns, {
  about: 'What each run of nightpost reconcile found. Dry runs are not recorded.',
  comments: {
    run_id: 'Also in deliveries.headers of what the run pulled, as nightpost-run.',
    vendor: 'As in deliveries.',
    started_by: 'command (nightpost reconcile) or schedule (RECONCILE_EVERY).',
    only_some: 'Whether it asked only about some owners (--user, --changed).',
    began_at: 'When the run began.',
    finished_at: 'When it ended; NULL while it runs, or if its process was killed.',
    period_from: 'Start of the period that the vendor was asked about.',
    period_to: 'End of that period.',
    outcome: 'complete, incomplete (see reason) or failed; NULL while it runs.',
    reason: 'Why the run is incomplete or failed.',
    people: 'Owners that were asked about.',
    calls: "Requests to the vendor's API, with repeated ones.",
    missing: 'Records that the vendor has and that had no row.',
    differing: 'Records that differed from their row, and were newer.',
    pulled: 'Deliveries that were stored.',
    kept: 'Records that differ from their row, which stays: the vendor sent it and its API does not say that it is older.',
    failures: 'Requests, records and commits that failed in the end.',
    behind: 'Profiles of which the vendor received data after their last delivery here.',
    suspect_days: 'Days of an owner that probably lack data which the vendor does not let anybody pull.',
  },
})
