import pg from 'pg'
import { startPostgres } from './bench/database.ts'
import { prepareRequest } from './bench/request.ts'
import { mixture } from './bench/workloads.ts'
import { adaptingStore } from './src/db/write/adapting-writer.ts'
import { newArrival } from './src/ingest/delivery.ts'
import { unpackAndJudge } from './src/ingest/judge.ts'
import { vendors } from './src/vendors/index.ts'

const N = Number(process.argv[2] ?? 30000)
const p = await startPostgres()
const d = await p.createDatabase()
const pool = new pg.Pool({ connectionString: d.url, max: 4 })
const store = adaptingStore(
  pool,
  vendors.flatMap((v) => v.targets),
)
const order: any[] = []
for (const [w, s] of mixture) for (let i = 0; i < s; i++) order.push(w)
for (let i = order.length - 1; i > 0; i--) {
  const j = (i * 7919) % (i + 1)
  ;[order[i], order[j]] = [order[j], order[i]]
}
const before = await d.size()
let n = 0
const worker = async () => {
  while (n < N) {
    const k = n++
    const w = order[k % order.length]
    const body = prepareRequest(w).body(k)
    const arrival = newArrival(body)
    const b = JSON.parse(body.toString())
    const headers = {
      'content-type': 'application/json',
      'x-user-id': b.externalId,
      'x-event-type': w.eventType,
    }
    await store.commit({
      arrival,
      verdict: unpackAndJudge(
        vendors.find((v) => v.name === w.vendor)!,
        'api_key',
        headers,
        arrival.body,
        1e7,
      ),
      vendor: w.vendor,
      authenticatedBy: 'api_key',
      headers,
      normaliserVersion: 1,
    } as any)
  }
}
const t = performance.now()
const cpu0 = process.cpuUsage()
await Promise.all(Array.from({ length: 256 }, worker))
const cpu = process.cpuUsage(cpu0)
const after = await d.size()
console.log(
  'rate',
  (N / (performance.now() - t)) * 1000,
  'node us',
  (cpu.user + cpu.system) / N,
  'wal',
  (after.wal - before.wal) / N,
  'db',
  (after.database - before.database) / N,
)
const { rows } = await d.client.query(
  `select relname, relkind, pg_relation_size(oid)::float8 / $1 as per, pg_size_pretty(pg_relation_size(oid)) from pg_class where relnamespace in ('public'::regnamespace,'pg_toast'::regnamespace) and pg_relation_size(oid) > 100000 order by 3 desc`,
  [N],
)
console.table(rows)
if (process.argv[3]) {
  console.log((await d.client.query(process.argv[3])).rows)
}
const st = await d.client.query(
  `select avg(pg_column_size(t.*)) as tuple, avg(pg_column_size(headers)) as headers, avg(pg_column_size(owner)) owner, avg(pg_column_size(event)) as event from deliveries t`,
)
console.log(st.rows[0])
for (const tb of ['biomarkers', 'scores', 'score_factors', 'data_logs'])
  console.log(
    tb,
    (
      await d.client.query(
        `select count(*)::float8 / ${N} as per_delivery, avg(pg_column_size(t.*)) as tuple from ${tb} t`,
      )
    ).rows[0],
  )
await store.close()
await pool.end()
await d.drop()
await p.stop()
