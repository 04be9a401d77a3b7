import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort, startCluster } from '../src/embedded/index.ts'
import type { ComposeService } from './compose-file.ts'

/** What an image says about its process, as `buildah inspect` and `docker inspect` show it. */
export interface ImageConfig {
  readonly Env: string[]
  readonly Cmd: string[]
  readonly User: string
  readonly WorkingDir: string
}

/**
 * Runs the service in the directory `image` with the environment of the compose file, sends a delivery, and reads its
 * row. Files go to `work`. Throws if anything is not as it has to be.
 */
export async function run(image: string, config: ImageConfig, compose: ComposeService, work: string) {
  const postgres = join(work, 'postgres')
  mkdirSync(postgres)
  const cluster = await startCluster(postgres, 0)
  const port = await freePort(0)
  // What the containers share: the volume with the URL, and the one with generated credentials.
  const shared = join(work, 'database')
  const data = join(work, 'data')
  for (const directory of [shared, data]) mkdirSync(directory)
  execFileSync('chown', ['1000:1000', data])
  writeFileSync(join(shared, 'url'), await ownDatabase(cluster.url))

  const given = Object.fromEntries(config.Env.map((line) => line.split(/=(.*)/s).slice(0, 2)))
  const environment = {
    ...given,
    ...compose.environment,
    ASLEEP_API_KEYS: 'image-check-key',
    PORT: String(port),
  }
  const inImage = (...command: string[]) => confined(image, { shared, data, config, environment }, command)
  const service = inImage(...config.Cmd)
  const isOver = new Promise<number | null>((done) => service.once('exit', done))
  let output = ''
  service.stdout?.on('data', (text) => (output += text))
  service.stderr?.on('data', (text) => (output += text))
  try {
    const url = `http://127.0.0.1:${port}`
    await ready(url, service, () => output)
    const answer = await fetch(`${url}/webhooks/asleep`, {
      method: 'POST',
      headers: { 'x-api-key': 'image-check-key', 'x-user-id': 'image-check' },
      body: JSON.stringify({
        ...{ event: 'INFERENCE_COMPLETE', version: 'V3' },
        data: {
          ...{ user_id: 'image-check', session_id: 's', seq_num: 9, inference_seq_num: 0 },
          sleep_stages: [0, 1],
        },
      }),
    })
    expect('the answer', await answer.text(), /"outcome":"stored"/)
    const sql = inImage('nightpost', 'sql', 'select session_id, stages from sleep_stage_windows')
    expect('the row', await textOf(sql), /\{0,1\}/)
    const status = inImage('cat', '/proc/self/status')
    expect('the rights', await textOf(status), /Uid:\t1000.*CapPrm:\t0+\nCapEff:\t0+\n.*NoNewPrivs:\t1/s)
    const write = inImage(
      'node',
      '-e',
      "try { fs.writeFileSync('dist/x', '') } catch (e) { console.log(e.code) }",
    )
    expect('a write', await textOf(write), /^EROFS\n$/)
  } finally {
    service.kill('SIGTERM')
    const code = await isOver
    await cluster.release()
    rmSync(dirname(cluster.dataDirectory), { recursive: true, force: true })
    if (code !== 0) process.stderr.write(output)
    expect('the exit status after SIGTERM', String(code), /^0$/)
  }
  process.stdout.write('1 passed, 0 failed\n')
}

/** A database that a role owns which may do nothing else, as in the compose file. Returns its URL. */
async function ownDatabase(superuser: string): Promise<string> {
  const client = new pg.Client({ connectionString: superuser })
  await client.connect()
  await client.query("create role compose login password 'compose' nosuperuser")
  await client.query('create database compose owner compose')
  await client.end()
  const url = new URL(superuser)
  ;[url.username, url.password, url.pathname] = ['compose', 'compose', '/compose']
  return url.href
}

interface Confinement {
  readonly shared: string
  readonly data: string
  readonly config: ImageConfig
  readonly environment: Readonly<Record<string, string>>
}

/**
 * Runs a command in the image as the compose file does: read-only, with /tmp in memory and the two volumes, as the
 * image's user, without capabilities, and unable to get any. The network and the processes are those of this machine.
 */
function confined(
  image: string,
  { shared, data, config, environment }: Confinement,
  command: string[],
): ChildProcess {
  const script = `set -e
    mount --bind "$IMAGE" "$IMAGE"
    mount -o remount,bind,ro "$IMAGE"
    mount -t tmpfs tmpfs "$IMAGE/tmp"
    mount -t tmpfs tmpfs "$IMAGE/run"
    mkdir "$IMAGE/run/database"
    mount --bind "$SHARED" "$IMAGE/run/database"
    mount -o remount,bind,ro "$IMAGE/run/database"
    mount --bind "$DATA" "$IMAGE${config.WorkingDir}/.data"
    mount -t proc proc "$IMAGE/proc"
    mount --rbind /dev "$IMAGE/dev"
    exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+sys_chroot,+setuid,+setgid \\
      chroot --userspec="$USERSPEC" --groups= "$IMAGE" /usr/bin/env -i -C ${config.WorkingDir} "$@"`
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  return spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', ...variables, ...command], {
    env: { PATH: process.env.PATH, IMAGE: image, SHARED: shared, DATA: data, USERSPEC: config.User },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function ready(url: string, service: ChildProcess, output: () => string) {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (service.exitCode !== null) throw new Error(`the service ended: ${output()}`)
    if (
      await fetch(`${url}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return
    await sleep(100)
  }
  throw new Error(`the service is not ready after 30 s: ${output()}`)
}

async function textOf(process: ChildProcess): Promise<string> {
  let text = ''
  process.stdout?.on('data', (chunk) => (text += chunk))
  process.stderr?.on('data', (chunk) => (text += chunk))
  await new Promise((done) => process.once('close', done))
  return text
}

function expect(what: string, found: string, pattern: RegExp) {
  if (!pattern.test(found)) throw new Error(`${what} is not as expected: ${found}`)
  process.stdout.write(`${what}: ${found.length > 80 ? 'as expected' : found.trim()}\n`)
}
