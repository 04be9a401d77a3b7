import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Directory of the compiled service. */
    build: string
  }
}

const root = resolve(import.meta.dirname, '../..')

/** Compiles the service once per run, like `npm run build`. A compiled process starts in a third of the time. */
export default function setup(project: TestProject) {
  // The service looks for the migrations beside its own directory, so this must be beside src.
  const directory = mkdtempSync(join(root, '.test-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  const build = () => {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const options = ['-p', join(root, 'tsconfig.build.json'), '--outDir', directory, '--noCheck']
    execFileSync(process.execPath, [compiler, ...options], { stdio: ['ignore', 'inherit', 'inherit'] })
    cpSync(join(root, 'src/console/static'), join(directory, 'console/static'), { recursive: true })
  }
  try {
    build()
  } catch (error) {
    remove()
    throw error
  }
  project.onTestsRerun(async () => build())
  project.provide('build', directory)
  return remove
}
