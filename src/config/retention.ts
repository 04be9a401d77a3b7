import type { Config } from './settings.ts'

/** What is deleted after which time, for the line that the service logs at its start. */
export function retentionOf(_config: Config): string {
  return 'keeps everything'
}
