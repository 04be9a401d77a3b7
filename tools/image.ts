import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readComposeFile } from './compose-file.ts'
import { Builder } from './image-build.ts'
import { run } from './image-run.ts'

const USAGE = `npm run image                         builds the image and runs it, without a container engine
npm run image -- --base IMAGE         the base; default: docker.io/library/node:24-slim
npm run image -- --host-base          makes the base from the Node and the libraries of this machine, where no registry
                                      of images can be reached

It needs Linux, root, and buildah (apt-get install buildah). The image is built in a directory that is deleted
afterwards. Then the service runs from it as docker-compose.yml says: as user 1000, without capabilities, on a read-only
file system, with the environment of the compose file. A delivery is sent, and its row is read with the image's command
nightpost.`

const root = resolve(import.meta.dirname, '..')

/** The base image that the arguments name; undefined: this machine's files. Exits if they are wrong. */
function baseOf(options: readonly string[]): string | undefined {
  const [option, image] = options
  if (option === undefined) return 'docker.io/library/node:24-slim'
  if (option === '--base' && image && options.length === 2) return image
  if (option === '--host-base' && options.length === 1) return undefined
  return fail(USAGE)
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

const base = baseOf(process.argv.slice(2))
if (process.platform !== 'linux' || process.getuid?.() !== 0) fail(`This needs Linux and root.\n\n${USAGE}`)

const work = mkdtempSync(join(tmpdir(), 'nightpost-image-'))
chmodSync(work, 0o755)
const builder = new Builder(work)
try {
  const compose = readComposeFile(join(root, 'docker-compose.yml')).services.nightpost
  if (!compose) throw new Error('docker-compose.yml: no service nightpost')
  process.stdout.write(`Building on ${base ?? `Node ${process.version} of this machine`} ...\n`)
  const { image, config } = builder.build(root, base)
  const packages = execFileSync('du', ['-sk', '--apparent-size', join(image, 'app/node_modules')], {
    encoding: 'utf8',
  })
  process.stdout.write(`Built. node_modules: ${Number.parseInt(packages, 10)} kB\n`)
  await run(image, config, compose, work)
} catch (error) {
  const { message, code } = error as NodeJS.ErrnoException
  process.stderr.write(`${code === 'ENOENT' ? `${message}\n\n${USAGE}` : message}\n`)
  process.exitCode = 1
} finally {
  builder.remove()
  rmSync(work, { recursive: true, force: true })
}
