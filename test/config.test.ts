import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../src/config.ts'
import { withCredentials } from '../src/credentials.ts'

describe('readConfig', () => {
  it('has defaults for everything but credentials', () => {
    expect(readConfig({})).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 3000,
      BODY_LIMIT_BYTES: 10_485_760,
      LOG_LEVEL: 'info',
    })
  })

  it('reads numbers and lists, and takes an empty variable as absent', () => {
    const config = readConfig({ PORT: '8080', HOST: '', ASLEEP_API_KEYS: 'one, two,,', SAHHA_API_KEYS: ' ' })
    expect(config).toMatchObject({ PORT: 8080, HOST: '127.0.0.1' })
    expect(config.credentials('ASLEEP_API_KEYS')).toEqual(['one', 'two'])
    expect(config.credentials('SAHHA_API_KEYS')).toEqual([])
  })

  it.each([
    ['PORT', '70000'],
    ['PORT', 'http'],
    ['BODY_LIMIT_BYTES', '-1'],
    ['BODY_LIMIT_BYTES', '1.5'],
    ['DATABASE_URL', 'mysql://user:sesame@host/db'],
    ['LOG_LEVEL', 'loud'],
  ])('a bad %s stops the start, is named, and its value is not', (name, value) => {
    const attempt = () => readConfig({ [name]: value })
    expect(attempt).toThrow(ConfigError)
    expect(attempt).toThrow(name)
    expect(attempt).not.toThrow(value)
  })
})

describe('withCredentials', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-credentials-'))

  it('refuses to start in production without any', () => {
    expect(() => withCredentials(readConfig({ NODE_ENV: 'production' }), directory)).toThrow(
      'ASLEEP_API_KEYS',
    )
  })

  it('uses what is configured, and generates nothing beside it', () => {
    const { config, generated } = withCredentials(readConfig({ ASLEEP_API_KEYS: 'mine' }), directory)
    expect(generated).toBe(false)
    expect(config.credentials('SAHHA_API_KEYS')).toEqual([])
  })

  it('elsewhere makes random ones once, for this user alone', () => {
    const first = withCredentials(readConfig({}), directory)
    const second = withCredentials(readConfig({}), directory)
    for (const name of ['ASLEEP_API_KEYS', 'SAHHA_API_KEYS', 'SAHHA_WEBHOOK_SECRETS']) {
      expect(first.config.credentials(name)[0]).toMatch(/^[\w-]{32}$/)
      expect(second.config.credentials(name)).toEqual(first.config.credentials(name))
    }
    expect(statSync(join(directory, 'credentials.json')).mode & 0o777).toBe(0o600)
    rmSync(directory, { recursive: true })
  })
})
