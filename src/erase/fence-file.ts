import { open, readFile, rename } from 'node:fs/promises'
import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type pg from 'pg'

type Client = Pick<pg.ClientBase, 'query'>

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Time = Type.Union([Type.String(), Type.Null()])

/** The file that `erase --export` writes: the fence, to be put up again in a restored database. It holds no id. */
const FenceFile = Type.Object({
  format: Type.Literal('nightpost erasures'),
  version: Type.Literal(1),
  exported_at: Type.String(),
  /** Whoever has it can test whether an id that they know was erased. */
  key: Hash,
  erasures: Type.Array(
    Type.Object({
      person: Hash,
      vendor: Type.String(),
      kind: Type.Union([Type.Literal('owner'), Type.Literal('user')]),
      fenced_at: Type.String(),
      erased_at: Time,
      lifted_at: Time,
    }),
  ),
})

export type FenceFile = Static<typeof FenceFile>

const check = TypeCompiler.Compile(FenceFile)

/** Writes the fence to a file that its owner alone can read. Returns how many ids it holds. */
export async function exportFence(client: Client, path: string): Promise<number> {
  const { rows } = await client.query(
    `select encode(person, 'hex') as person, vendor, kind, fenced_at::text, erased_at::text, lifted_at::text
     from erasures order by fenced_at, person`,
  )
  const { rows: keys } = await client.query(
    `select encode(key, 'hex') as key, now()::text as now from erasure_key`,
  )
  const file: FenceFile = {
    format: 'nightpost erasures',
    version: 1,
    exported_at: keys[0].now,
    key: keys[0].key,
    erasures: rows,
  }
  const unfinished = `${path}.tmp`
  const handle = await open(unfinished, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(file, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(unfinished, path)
  return rows.length
}

/** Throws if the file is no export of this version. */
export async function readFence(path: string): Promise<FenceFile> {
  const text = await readFile(path, 'utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error(`${path} is no file of nightpost erase --export.`)
  }
  const [error] = check.Errors(value)
  if (error)
    throw new Error(`${path} is no file of nightpost erase --export: ${error.path || '/'}: ${error.message}.`)
  return value as FenceFile
}

/**
 * Puts up the fence of a file. A database of another origin, such as a new one that is filled from an archive, takes the key of
 * the file. Throws if it has erasures under another key already.
 */
export async function importFence(client: Client, { key, erasures }: FenceFile): Promise<void> {
  const { rows } = await client.query(
    `select k.key = decode($1, 'hex') as is_same, exists (select from erasures) as has_erasures from erasure_key as k`,
    [key],
  )
  if (!rows[0].is_same && rows[0].has_erasures)
    throw new Error(
      'The file has another key than this database, which has erasures of its own. Both can not be kept: erase the persons of one of them by their ids.',
    )
  await client.query(`update erasure_key set key = decode($1, 'hex') where key <> decode($1, 'hex')`, [key])
  await client.query(
    `insert into erasures as t (person, vendor, kind, fenced_at, lifted_at)
     select decode(r.person, 'hex'), r.vendor, r.kind, r.fenced_at, r.lifted_at
     from jsonb_to_recordset($1) as r(person text, vendor text, kind text, fenced_at timestamptz, lifted_at timestamptz)
     order by 1
     on conflict (person) do update set
       lifted_at = excluded.lifted_at, fenced_at = least(t.fenced_at, excluded.fenced_at)
     -- Of two states the later one counts: erased, lifted, or erased again.
     where greatest(excluded.fenced_at, excluded.lifted_at) > greatest(t.fenced_at, t.lifted_at)`,
    [JSON.stringify(erasures)],
  )
}
