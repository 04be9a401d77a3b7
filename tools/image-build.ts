import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ImageConfig } from './image-run.ts'

/** buildah with a storage of its own in `work`, which `remove` empties. */
export class Builder {
  readonly #work: string
  readonly #storage: readonly string[]

  constructor(work: string) {
    this.#work = work
    this.#storage = ['--root', join(work, 'storage'), '--runroot', join(work, 'run')]
  }

  /**
   * Builds the Dockerfile in `root` on the base `from`, or on Node and the libraries of this machine. Returns the
   * directory at which the image is mounted, and what it says about its process.
   */
  build(root: string, from: string | undefined): { image: string; config: ImageConfig } {
    const base = from ?? this.#hostBase()
    execFileSync(
      'buildah',
      [
        ...[...this.#storage, 'build', '--quiet', '--isolation', 'chroot', '--format', 'docker'],
        ...['--build-arg', `NODE_IMAGE=${base}`, ...this.#npmSettings(), '--tag', 'nightpost', root],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    const { config } = JSON.parse(this.#buildah('inspect', '--type', 'image', 'nightpost')).Docker
    const container = this.#buildah('from', '--pull-never', 'nightpost')
    return { image: this.#buildah('mount', container), config }
  }

  /** Unmounts everything, so that the directory can be deleted. */
  remove(): void {
    spawnSync('buildah', [...this.#storage, 'rm', '--all'], { stdio: 'ignore' })
  }

  /** Runs buildah and returns what it prints on standard output. */
  #buildah(...command: string[]): string {
    return execFileSync('buildah', [...this.#storage, ...command], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim()
  }

  /**
   * Options that mount this machine's settings of npm, and the certificates that Node accepts here. They do not become a
   * part of the image.
   */
  #npmSettings(): string[] {
    const own = join(homedir(), '.npmrc')
    const settings = [existsSync(own) ? readFileSync(own, 'utf8') : '']
    const mounts = [`${join(this.#work, 'npmrc')}:/root/.npmrc:ro`]
    const certificates = process.env.NODE_EXTRA_CA_CERTS
    if (certificates) {
      settings.push('cafile=/root/certificates.pem')
      mounts.push(`${realpathSync(certificates)}:/root/certificates.pem:ro`)
    }
    writeFileSync(join(this.#work, 'npmrc'), settings.join('\n'))
    return mounts.flatMap((mount) => ['--volume', mount])
  }

  /** A base image with a shell, Debian's basic programs, Node and npm, copied from this machine. Returns its name. */
  #hostBase(): string {
    const container = this.#buildah('from', 'scratch')
    const target = this.#buildah('mount', container)
    const copy = (path: string) => {
      mkdirSync(join(target, dirname(path)), { recursive: true })
      cpSync(realpathSync(path), join(target, path), { recursive: true, verbatimSymlinks: true })
    }
    const programs = ['sh', 'env', 'install', 'find', 'chmod', 'ln', 'rm', 'cat', 'id', 'node'].map((name) =>
      execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(),
    )
    for (const directory of ['bin', 'sbin', 'lib', 'lib64']) {
      mkdirSync(join(target, 'usr', directory), { recursive: true })
      symlinkSync(`usr/${directory}`, join(target, directory))
    }
    const libraries = programs.flatMap((program) =>
      [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map(
        ([, path]) => path,
      ),
    )
    for (const path of new Set([...programs, ...libraries])) copy(path as string)
    const npm = dirname(
      dirname(realpathSync(execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim())),
    )
    cpSync(npm, join(target, 'usr/lib/node_modules/npm'), { recursive: true })
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(target, 'usr/bin/npm'))
    for (const path of ['/etc/ssl/certs', '/usr/share/ca-certificates', '/usr/local/share/ca-certificates']) {
      if (existsSync(path)) cpSync(path, join(target, path), { recursive: true, verbatimSymlinks: true })
    }
    writeFileSync(
      join(target, 'etc/passwd'),
      'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n',
    )
    for (const directory of ['tmp', 'root', 'proc', 'dev', 'run', 'usr/local/bin']) {
      mkdirSync(join(target, directory), { recursive: true })
    }
    chmodSync(join(target, 'tmp'), 0o1777)
    this.#buildah('config', '--env', 'PATH=/usr/local/bin:/usr/bin:/bin', container)
    this.#buildah('commit', '--quiet', '--rm', container, 'node-of-this-machine')
    return 'localhost/node-of-this-machine'
  }
}
