import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'

/*
 * An archive is a directory: gzip-compressed files of one JSON object per line, and `manifest.json`. Every line is one
 * delivery. A file has deliveries of one UTC day, in the order of their ids; a day may have several files.
 */

const Hex = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Count = Type.Integer({ minimum: 0 })
const OptionalText = Type.Union([Type.String(), Type.Null()])
const Id = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' })
const Day = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })

/** One line: the columns of `deliveries`, times as ISO 8601 UTC with microseconds, and the body. */
const Line = Type.Object({
  delivery_id: Id,
  owner: Type.String(),
  vendor: Type.String(),
  event: OptionalText,
  user_id: OptionalText,
  authenticated_by: Type.String(),
  outcome: Type.Union([Type.Literal('stored'), Type.Literal('unrecognised'), Type.Literal('rejected')]),
  problem: Type.Unknown(),
  source: Type.Union([Type.Literal('push'), Type.Literal('pull')]),
  headers: Type.Record(Type.String(), Type.String()),
  received_at: Type.String(),
  last_received_at: Type.String(),
  times_received: Type.Integer(),
  normaliser_version: Type.Integer(),
  /** SHA-256 of the body in hex. */
  body_digest: Hex,
  /** The exact bytes received, in base64. */
  body: Type.String(),
})

/** A delivery as an archive has it, with its body as bytes. */
export type ArchivedDelivery = Omit<Static<typeof Line>, 'body'> & { readonly body: Buffer }

const FileEntry = Type.Object({
  /** The number of the file among those of its day, and the beginning of its sum: other contents have another name. */
  name: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}\\.\\d{4,}-[0-9a-f]{12}\\.ndjson\\.gz$' }),
  day: Day,
  /** SHA-256 of the file in hex. */
  sha256: Hex,
  /** Size of the file in bytes. */
  bytes: Count,
  deliveries: Count,
  /** Bytes of all bodies, before compression. */
  body_bytes: Count,
  first_id: Id,
  last_id: Id,
})

export type ArchivedFile = Static<typeof FileEntry>

const ManifestSchema = Type.Object({
  format: Type.Literal('nightpost archive'),
  version: Type.Literal(1),
  /** The arrivals of the first and of the last delivery, as milliseconds of ISO 8601 UTC; null if there is none. */
  period: Type.Object({ first: OptionalText, last: OptionalText }),
  deliveries: Count,
  body_bytes: Count,
  files: Type.Array(FileEntry),
})

export type Manifest = Static<typeof ManifestSchema>

const line = TypeCompiler.Compile(Line)
const manifest = TypeCompiler.Compile(ManifestSchema)

/** Throws `SyntaxError` if the text is no manifest of this version. */
export function parseManifest(text: string): Manifest {
  const value: unknown = JSON.parse(text)
  const [error] = manifest.Errors(value)
  if (error) throw new SyntaxError(`${error.path || '/'}: ${error.message}`)
  return value as Manifest
}

/** Throws `SyntaxError` if the text is no delivery. The body's digest is not checked. */
export function parseLine(text: string): ArchivedDelivery {
  const value: unknown = JSON.parse(text)
  if (!line.Check(value)) throw new SyntaxError('not a delivery')
  return { ...value, body: Buffer.from(value.body, 'base64') }
}

export const lineOf = (delivery: ArchivedDelivery): string =>
  `${JSON.stringify({ ...delivery, body: delivery.body.toString('base64') })}\n`
