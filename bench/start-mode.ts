import { once } from 'node:events'
import { ask, forkFile, nextMessage } from './child-process.ts'
import { KEY } from './request.ts'
import type { ServerReport } from './servers/server.ts'

/** The service that is measured: a file of `servers/`. */
export type Mode = 'noop' | 'nightpost' | 'transaction'

export interface RunningServer {
  readonly port: number
  report(): Promise<ServerReport>
  close(): Promise<void>
}

/** The Node options of the container image; see Dockerfile. */
const IMAGE_OPTIONS = ['--v8-pool-size=1']

const PROFILE_OPTIONS = process.env.PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.PROFILE}`] : []

/** Starts the service of a mode in a process of its own. `settings` are added to its environment. */
export async function startMode(
  mode: Mode,
  databaseUrl: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const environment = {
    DATABASE_URL: databaseUrl,
    ASLEEP_API_KEYS: KEY,
    SAHHA_API_KEYS: KEY,
    LOG_LEVEL: 'warn',
    NODE_ENV: 'production',
    ...settings,
  }
  const child = forkFile(`servers/${mode}.ts`, environment, [...IMAGE_OPTIONS, ...PROFILE_OPTIONS])
  const { port } = await nextMessage<{ port: number }>(child)
  return {
    port,
    report: () => ask<ServerReport>(child, 'report'),
    async close() {
      const exit = once(child, 'exit')
      child.send('close')
      await exit
    },
  }
}
