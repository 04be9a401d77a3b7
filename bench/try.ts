import { startServer } from './database.ts'
import { type Mode, measure, type WorkloadName } from './measure.ts'

const [modes = 'nightpost', workload = 'biomarker', connections = '256', seconds = '4'] =
  process.argv.slice(2)
const server = await startServer()
for (const mode of modes.split(',')) {
  const database = await server.create()
  const m = await measure(
    mode as Mode,
    workload as WorkloadName,
    Number(connections),
    Number(seconds),
    database,
  )
  console.log(
    mode,
    workload,
    connections,
    Object.fromEntries(Object.entries(m).map(([k, v]) => [k, v && Math.round(v * 100) / 100])),
  )
  await database.drop()
}
await server.stop()
