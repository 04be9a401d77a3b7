import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

/** Describes the machine and the versions for the page. */
export function machine(postgresVersion: string): string {
  const [cpu] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return [
    `${cpus().length} cores (${cpu?.model.trim()}), ${memory} GiB`,
    `${process.platform} ${execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim()}`,
    `Node.js ${process.versions.node}`,
    `Postgres ${postgresVersion}, fsync on, synchronous_commit on`,
  ].join('; ')
}
