import { readFileSync, statSync } from 'node:fs'
import { ConfigError, credentialNames, type Environment, secretNames } from './settings.ts'

/**
 * The environment with the content of secret files, as Docker and Kubernetes mount them. The file of a list has one
 * secret per line, which may contain commas. Throws `ConfigError`.
 */
export function withSecretFiles(environment: Environment): Environment {
  const found = secretNames.flatMap((name) => {
    const file = textOf(environment, `${name}_FILE`)
    if (!file) return []
    if (textOf(environment, name))
      throw new ConfigError(`${name}: it is set, and so is ${name}_FILE. Unset one of them.`)
    const content = contentOf(name, file)
    return [[name, credentialNames.includes(name) ? linesOf(content) : content]]
  })
  return { ...environment, ...Object.fromEntries(found) }
}

function textOf(environment: Environment, name: string): string | undefined {
  const value = environment[name]
  return typeof value === 'string' ? value.trim() : undefined
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

function contentOf(name: string, file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new ConfigError(`${name}_FILE: ${unreadable(file, error as NodeJS.ErrnoException)}`)
  }
  // An empty variable counts as absent, but an empty secret file is a mistake.
  if (text === '') {
    const content = credentialNames.includes(name) ? 'one secret per line' : 'the secret'
    throw new ConfigError(`${name}_FILE: the file ${file} is empty. Write ${content} into it.`)
  }
  return text
}

/** The path is shown only if there is a file: somebody may have written the secret itself in its place. */
function unreadable(file: string, { code }: NodeJS.ErrnoException): string {
  if (code === 'EISDIR')
    return `${file} is a directory (EISDIR). Write the path of a file. Docker makes a directory if the file to mount is missing.`
  if (code === 'ENOENT')
    return 'there is no such file (ENOENT). Write the path of the secret file; in a container, its path inside the container.'
  const uid = process.geteuid?.()
  const owner = code === 'EACCES' ? ownerOf(file) : undefined
  if (!owner)
    return `uid ${uid} can't read the file (${code}). Check its path, and the owner and mode of the directories above it.`
  return `uid ${uid} may not read ${file}, which belongs to uid ${owner.uid} and has mode ${owner.mode} (EACCES). Run: chown ${uid} ${file}`
}

/** undefined if a directory above the file may not be entered either. */
function ownerOf(file: string): { uid: number; mode: string } | undefined {
  try {
    const { uid, mode } = statSync(file)
    return { uid, mode: (mode & 0o777).toString(8).padStart(4, '0') }
  } catch {
    return undefined
  }
}
