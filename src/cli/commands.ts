import { Command } from 'commander'

interface CommandEntry {
  readonly name: string
  /** For the list of commands. */
  readonly summary: string
  /** Loads the command with everything that it needs. */
  readonly load: () => Promise<Command>
}

/**
 * Every command, in the order of the list that `nightpost --help` prints. Only the command that is called is loaded: all of
 * them together take several times as long to start.
 */
export const commands: readonly CommandEntry[] = [
  {
    name: 'start',
    summary: 'run the service',
    load: async () => (await import('./start.ts')).startCommand,
  },
  {
    name: 'status',
    summary: 'show what arrived recently, what became of it, and what is wrong',
    load: async () => (await import('./status.ts')).statusCommand,
  },
  {
    name: 'sql',
    summary: 'run one read-only statement, or describe a table',
    load: async () => (await import('./sql.ts')).sqlCommand,
  },
  {
    name: 'changes',
    summary: 'print what was stored, judged again or erased since a cursor; --follow waits for more',
    load: async () => (await import('./changes.ts')).changesCommand,
  },
  {
    name: 'migrate',
    summary: 'migrate the database and exit',
    load: async () => (await import('./migrate.ts')).migrateCommand,
  },
  {
    name: 'maintain',
    summary: "do the ledger's upkeep once: pack, drop, delete",
    load: async () => (await import('./maintain.ts')).maintainCommand,
  },
  {
    name: 'export',
    summary: 'write a view as CSV, NDJSON or Parquet, or all that is held about a person',
    load: async () => (await import('./export.ts')).exportCommand,
  },
  {
    name: 'archive',
    summary: 'copy deliveries with their bodies into files, and read them back',
    load: async () => (await import('./archive.ts')).archiveCommand,
  },
  {
    name: 'replay',
    summary: "re-process deliveries with today's normalisers and credentials",
    load: async () => (await import('./replay.ts')).replayCommand,
  },
  {
    name: 'reconcile',
    summary: "ask a vendor's API for what never came, and store it",
    load: async () => (await import('./reconcile.ts')).reconcileCommand,
  },
  {
    name: 'link',
    summary: 'say which ids of the vendors are one person',
    load: async () => (await import('./link.ts')).linkCommand,
  },
  {
    name: 'erase',
    summary: 'delete everything about one person, and keep it so',
    load: async () => (await import('./erase.ts')).eraseCommand,
  },
  {
    name: 'simulate',
    summary: 'send what both vendors would send about simulated users, or answer as their APIs',
    load: async () => (await import('./simulate.ts')).simulateCommand,
  },
  {
    name: 'hypnogram',
    summary: 'draw a sleep session',
    load: async () => (await import('./hypnogram.ts')).hypnogramCommand,
  },
  {
    name: 'demo',
    summary: 'show the service at work on simulated data, in the embedded Postgres',
    load: async () => (await import('./demo.ts')).demoCommand,
  },
  {
    name: 'reset',
    summary: 'empty the embedded development database',
    load: async () => (await import('./reset.ts')).resetCommand,
  },
  {
    name: 'openapi',
    summary: 'print the OpenAPI document',
    load: async () => (await import('./openapi.ts')).openapiCommand,
  },
  {
    name: 'completion',
    summary: 'print the completion script for a shell',
    load: async () => (await import('./completion.ts')).completionCommand,
  },
]

/** A command that is only listed. */
export const listed = ({ name, summary }: CommandEntry) =>
  new Command(name).summary(summary).description(summary)
