import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  ConfigError,
  listsWithComma,
  readConfig,
  withCredentials,
  withSecretFiles,
} from '../src/config/index.ts'

describe('readConfig', () => {
  it('has defaults for every setting except credentials', () => {
    expect(readConfig({})).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 3000,
      BODY_LIMIT_BYTES: 10_485_760,
      LOG_LEVEL: 'info',
    })
  })

  it('reads numbers and lists, and treats an empty variable as absent', () => {
    const config = readConfig({ PORT: '8080', HOST: '', ASLEEP_API_KEYS: 'one, two,,', SAHHA_API_KEYS: ' ' })
    expect(config).toMatchObject({ PORT: 8080, HOST: '127.0.0.1' })
    expect(config.credentials('ASLEEP_API_KEYS')).toEqual(['one', 'two'])
    expect(config.credentials('SAHHA_API_KEYS')).toEqual([])
  })

  it.each([
    ['PORT', '70000'],
    ['PORT', 'http'],
    ['PORT', '3e3'],
    ['PORT', '3000.7'],
    ['TRUST_PROXY', 'garbage'],
    ['TRUST_PROXY', 'proxy.example.org'],
    ['BODY_LIMIT_BYTES', '-1'],
    ['BODY_LIMIT_BYTES', '1.5'],
    ['DATABASE_URL', 'mysql://user:sesame@host/db'],
    ['MIGRATE_DATABASE_URL', 'mysql://user:sesame@host/db'],
    ['DATABASE_SCHEMA', 'pg_catalog'],
    ['DATABASE_SCHEMA', 'a; drop table b'],
    ['DATABASE_POOLING', 'statement'],
    ['LOG_LEVEL', 'loud'],
  ])('throws an error that names a bad %s, but not its value', (name, value) => {
    const attempt = () => readConfig({ [name]: value })
    expect(attempt).toThrow(ConfigError)
    expect(attempt).toThrow(name)
    expect(attempt).not.toThrow(value)
  })
})

describe('secret files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-secrets-'))
  afterAll(() => rmSync(directory, { recursive: true }))
  const file = (text: string) => {
    const path = join(directory, `secret-${text.length}`)
    writeFileSync(path, text)
    return path
  }

  it('hold one secret per line, which may contain commas', () => {
    const config = readConfig(
      withSecretFiles({
        ASLEEP_API_KEYS_FILE: file('one,with,commas\n'),
        SAHHA_API_KEYS_FILE: file('  first, \r\n\n,\n'),
        SAHHA_WEBHOOK_SECRETS: 'a,b',
      }),
    )
    expect(config.credentials('ASLEEP_API_KEYS')).toEqual(['one,with,commas'])
    expect(config.credentials('SAHHA_API_KEYS')).toEqual(['first,', ','])
    expect(config.credentials('SAHHA_WEBHOOK_SECRETS')).toEqual(['a', 'b'])
    expect(listsWithComma(config)).toEqual(['ASLEEP_API_KEYS', 'SAHHA_API_KEYS'])
  })

  it('hold lists of credentials, or another secret', () => {
    const config = readConfig(
      withSecretFiles({
        ASLEEP_API_KEYS_FILE: file('old-key\nnew-key\n'),
        SAHHA_WEBHOOK_SECRETS: 'direct',
        DATABASE_URL_FILE: file('postgres://user:sesame@host/db\n'),
        METRICS_TOKEN_FILE: '',
      }),
    )
    expect(config.credentials('ASLEEP_API_KEYS')).toEqual(['old-key', 'new-key'])
    expect(config.credentials('SAHHA_WEBHOOK_SECRETS')).toEqual(['direct'])
    expect(config.DATABASE_URL).toBe('postgres://user:sesame@host/db')
    expect(config.METRICS_TOKEN).toBeUndefined()
  })

  it.each([
    ['missing', { SAHHA_API_KEYS_FILE: '/nowhere/at/all' }, /^SAHHA_API_KEYS_FILE: .*ENOENT/],
    ['empty', { SAHHA_API_KEYS_FILE: file(' \n') }, /^SAHHA_API_KEYS_FILE: .*empty/],
    ['beside the variable', { LOG_ID_KEY: 'sesame', LOG_ID_KEY_FILE: file('x') }, /^LOG_ID_KEY: .*not both/],
  ])('that are %s throw an error that names the setting', (_name, environment, message) => {
    expect(() => withSecretFiles(environment)).toThrow(ConfigError)
    expect(() => withSecretFiles(environment)).toThrow(message)
    expect(() => withSecretFiles(environment)).not.toThrow('sesame')
  })
})

describe('withCredentials', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-credentials-'))

  it('throws in production if no credential is configured', () => {
    expect(() => withCredentials(readConfig({ NODE_ENV: 'production' }), directory)).toThrow(
      'ASLEEP_API_KEYS',
    )
  })

  it('generates no credential if one is configured', () => {
    const { config, generated } = withCredentials(readConfig({ ASLEEP_API_KEYS: 'mine' }), directory)
    expect(generated).toBe(false)
    expect(config.credentials('SAHHA_API_KEYS')).toEqual([])
  })

  it('generates random credentials once outside production, readable only by this user', () => {
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
