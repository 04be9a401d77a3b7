import type { FastifyInstance } from 'fastify'
import type { Config } from '../config/index.ts'

/** The port if CONSOLE_PORT is not set. */
export const DEFAULT_PORT = 3002

type Settings = Pick<Config, 'CONSOLE_HOST' | 'CONSOLE_PORT' | 'NODE_ENV'>

/**
 * Makes the console listen. In development, a taken default port must not stop a second service on the machine: the console
 * then takes any free one. Throws the error of `listen` otherwise.
 */
export async function listenConsole(app: FastifyInstance, config: Settings): Promise<void> {
  const { CONSOLE_HOST: host, CONSOLE_PORT: wanted } = config
  try {
    await app.listen({ host, port: wanted ?? DEFAULT_PORT })
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    if (!isTaken || wanted !== undefined || config.NODE_ENV === 'production') throw error
    await app.listen({ host, port: 0 })
  }
}
