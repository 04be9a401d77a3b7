import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  ConfigError,
  listsWithComma,
  nearMisses,
  readConfig,
  requireDatabaseUrl,
  requireForProduction,
  withCredentials,
  withKnownCredentials,
  withSecretFiles,
} from '../src/config/index.ts'

const literally = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

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

  const PORTS = 'Write a whole number from 0 to 65535.'
  const SCHEMA =
    'Write a name of at most 63 letters, digits, _ and $ that begins with a letter or _, and not with pg_.'
  const PROXIES = 'Write true, false, the number of proxies, or their addresses, such as 10.0.0.0/8,::1.'
  it.each([
    ['PORT', '70000', PORTS],
    ['PORT', 'http', PORTS],
    ['PORT', '3e3', PORTS],
    ['PORT', '3000.7', PORTS],
    ['PORT', '"3000"', PORTS],
    ['TRUST_PROXY', 'garbage', PROXIES],
    ['TRUST_PROXY', 'proxy.example.org', PROXIES],
    ['BODY_LIMIT_BYTES', '-1', 'Write a whole number from 1024 to 268435456.'],
    ['BODY_LIMIT_BYTES', '1.5', 'Write a whole number from 1024 to 268435456.'],
    ['BODY_LIMIT_BYTES', '10MB', 'Write a whole number from 1024 to 268435456.'],
    ['RATE_LIMIT_PER_ADDRESS', 'many', 'Write a whole number from 0 to 1000000000.'],
    ['DATABASE_SCHEMA', 'pg_catalog', SCHEMA],
    ['DATABASE_SCHEMA', 'a; drop table b', SCHEMA],
    ['DATABASE_POOLING', 'statement', 'Write auto, session or transaction.'],
    ['DOCS', 'yes', 'Write on or off.'],
    ['LOG_LEVEL', 'loud', 'Write trace, debug, info, warn, error, fatal or silent.'],
    ['NODE_ENV', 'prod', 'Write development, production or test.'],
    ['NODE_ENV', 'Production', 'Write development, production or test.'],
  ])('%s=%s throws an error that names the setting, the value, and what to write', (name, value, allowed) => {
    const attempt = () => readConfig({ [name]: value })
    expect(attempt).toThrow(ConfigError)
    expect(attempt).toThrow(
      new RegExp(`^${literally(`${name}: ${JSON.stringify(value)} is not allowed. ${allowed}`)}$`),
    )
  })

  const URLS =
    /^\w+: its value is not allowed\. Write postgres:\/\/user:password@host:5432\/database, with .*\(# is %23\)\.$/
  it.each([
    ['DATABASE_URL', 'mysql://user:sesame@host/db', URLS],
    ['DATABASE_URL', 'postgres://user:ses#ame@host/db', URLS],
    ['MIGRATE_DATABASE_URL', 'postgres://user:sesame@host:port/db', URLS],
    [
      'LOG_ID_KEY',
      'sesame',
      /^LOG_ID_KEY: its value is not allowed\. Write 16 characters or more \(openssl .*\)\.$/,
    ],
  ])('a wrong secret %s throws an error that does not contain it', (name, value, message) => {
    const attempt = () => readConfig({ [name]: value })
    expect(attempt).toThrow(message)
    expect(attempt).not.toThrow(/ses|ame@/)
  })

  it.each([
    'postgres://host/db',
    'postgresql:///db?host=/var/run/postgresql',
    'postgres://user:p%23ss@[::1]:5433/my db',
    'postgres://user@/db',
  ])('accepts the URL %s', (url) => {
    expect(readConfig({ DATABASE_URL: url }).DATABASE_URL).toBe(url)
  })

  it('reports each wrong setting on a line of its own', () => {
    expect(() => readConfig({ PORT: 'x', LOG_LEVEL: 'y' })).toThrow(/^PORT: .*\nLOG_LEVEL: [^\n]*$/)
  })
})

describe('nearMisses', () => {
  it.each([
    ['ASLEEP_API_KEY', 'ASLEEP_API_KEYS'],
    ['ASLEP_API_KEY', 'ASLEEP_API_KEYS'],
    ['ASLEEP_KEY', 'ASLEEP_API_KEYS'],
    ['ASLEEP_API_KEY_FILE', 'ASLEEP_API_KEYS_FILE'],
    ['SAHHA_API_KEY', 'SAHHA_API_KEYS'],
    ['SAHHA_SECRET', 'SAHHA_WEBHOOK_SECRETS'],
    ['SAHHA_WEBHOOK_SECRET', 'SAHHA_WEBHOOK_SECRETS'],
    ['DATBASE_URL', 'DATABASE_URL'],
    ['DATABASE_ULR', 'DATABASE_URL'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['database_url', 'DATABASE_URL'],
    ['MIGRATE_DATABSE_URL', 'MIGRATE_DATABASE_URL'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['NODE_EVN', 'NODE_ENV'],
    ['TRUST_PROXIES', 'TRUST_PROXY'],
    ['METRIC_TOKEN', 'METRICS_TOKEN'],
    ['MAX_INFLIGHT_BYTES', 'MAX_IN_FLIGHT_BYTES'],
  ])('%s was meant to be %s', (found, meant) => {
    expect(nearMisses({ [found]: 'x' }, [])).toEqual([{ found, meant }])
  })

  it.each([
    ...['PGHOST', 'PGPORT', 'PGUSER', 'PGPASSWORD', 'PGDATABASE', 'PGSSLMODE', 'PGSSLROOTCERT'],
    ...[
      'PORTS',
      'POST',
      'HOSTS',
      'HOSTNAME',
      'HOSTTYPE',
      'DOC',
      'DOCKER_HOST',
      'HTTP_PROXY',
      'NO_PROXY',
      'TERM',
    ],
    ...[
      'DATABASE_HOST',
      'DATABASE_NAME',
      'DATABASE_USER',
      'DATABASE_SSL',
      'DATABASE_FILE',
      'DATABASE_PASSWORD',
    ],
    ...[
      'TEST_DATABASE_URL',
      'DB_URL',
      'POSTGRES_URL',
      'POSTGRES_PASSWORD',
      'NODE_OPTIONS',
      'NODE_PATH',
      'NODE',
    ],
    ...[
      'LOG_FILE',
      'LOG_FORMAT',
      'RUST_LOG',
      'API_KEY',
      'API_TOKEN',
      'OPENAI_API_KEY',
      'SAHHA_API_URL',
      'ASLEEP_API_URL',
    ],
    ...['npm_config_loglevel', 'npm_config_node_gyp', '_', 'PATH', 'HOME', 'LESSCLOSE', 'TEST_POOLER'],
  ])('%s belongs to another program', (name) => {
    expect(nearMisses({ [name]: 'x' }, [])).toEqual([])
  })

  it('a name of the environment counts only if the setting is absent, and one in .env always', () => {
    const environment = { ASLEEP_API_KEY: 'x', ASLEEP_API_KEYS: 'y' }
    expect(nearMisses(environment, [])).toEqual([])
    expect(nearMisses(environment, ['ASLEEP_API_KEY'])).toHaveLength(1)
    expect(nearMisses({ ASLEEP_API_KEY: '' }, [])).toEqual([])
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
    [
      'missing',
      { SAHHA_API_KEYS_FILE: '/nowhere/sesame' },
      /^SAHHA_API_KEYS_FILE: there is no such file \(ENOENT\)\. Write the path .* inside the container\.$/,
    ],
    [
      'a directory',
      { METRICS_TOKEN_FILE: tmpdir() },
      /^METRICS_TOKEN_FILE: \S+ is a directory \(EISDIR\)\. Write /,
    ],
    [
      'empty',
      { SAHHA_API_KEYS_FILE: file(' \n') },
      /^SAHHA_API_KEYS_FILE: the file \S+ is empty\. Write one secret per line into it\.$/,
    ],
    [
      'beside the variable',
      { LOG_ID_KEY: 'sesame', LOG_ID_KEY_FILE: file('x') },
      /^LOG_ID_KEY: it is set, and so is LOG_ID_KEY_FILE\. Unset one of them\.$/,
    ],
  ])('that are %s throw an error that names the setting', (_name, environment, message) => {
    expect(() => withSecretFiles(environment)).toThrow(ConfigError)
    expect(() => withSecretFiles(environment)).toThrow(message)
    expect(() => withSecretFiles(environment)).not.toThrow('sesame')
  })

  it('that uid 1000 may not read throw an error that says who may, and the command that changes it', () => {
    const open = join(directory, 'open')
    mkdirSync(open)
    const secret = join(open, 'secret')
    writeFileSync(secret, 'sesame', { mode: 0o400 })
    for (const path of [directory, open]) chmodSync(path, 0o755)
    const read = () => withSecretFiles({ METRICS_TOKEN_FILE: secret })
    // Root may read everything; another user reads nothing without a mode.
    const [uid, owner] = process.getuid?.() === 0 ? [1000, 0] : [process.getuid?.(), process.getuid?.()]
    if (owner === 0) process.seteuid?.(1000)
    else chmodSync(secret, 0)
    try {
      expect(read).toThrow(
        new RegExp(
          `^METRICS_TOKEN_FILE: uid ${uid} may not read \\S+, which belongs to uid ${owner} and has mode 0[04]00 \\(EACCES\\)\\. Run: chown ${uid} \\S+$`,
        ),
      )
    } finally {
      if (owner === 0) process.seteuid?.(0)
    }
  })
})

describe('withCredentials', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nightpost-credentials-'))

  it('throws in production, with a line for each, if no credential or no database is configured', () => {
    const attempt = (more: object) => () =>
      withCredentials(readConfig({ NODE_ENV: 'production', ...more }), directory)
    const database =
      /^DATABASE_URL: it is not set, and NODE_ENV=production never uses the embedded database\. Write /
    const credential =
      /^ASLEEP_API_KEYS, SAHHA_API_KEYS, SAHHA_WEBHOOK_SECRETS: none is set, and NODE_ENV=production generates none\. Set /
    expect(attempt({ ASLEEP_API_KEYS: 'mine' })).toThrow(database)
    expect(attempt({ DATABASE_URL: 'postgres://host/db' })).toThrow(credential)
    expect(attempt({})).toThrow(new RegExp(`${database.source}.*\\n${credential.source.slice(1)}[^\\n]*$`))
    expect(attempt({ ASLEEP_API_KEYS: 'mine', DATABASE_URL: 'postgres://host/db' })).not.toThrow()
  })

  it('commands need no credential in production, but a database', () => {
    const production = { NODE_ENV: 'production' }
    expect(() => requireDatabaseUrl(readConfig(production))).toThrow(/^DATABASE_URL: /)
    expect(() =>
      requireDatabaseUrl(readConfig({ ...production, DATABASE_URL: 'postgres://h/d' })),
    ).not.toThrow()
    for (const NODE_ENV of ['', 'development', 'test']) {
      expect(() => requireDatabaseUrl(readConfig({ NODE_ENV }))).not.toThrow()
      expect(() => requireForProduction(readConfig({ NODE_ENV }))).not.toThrow()
    }
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
  })

  it('commands know the generated credentials outside production, and generate none', () => {
    const known = (environment: Record<string, string>, where = directory) =>
      withKnownCredentials(readConfig(environment), where).credentials('ASLEEP_API_KEYS')
    expect(known({})).toEqual(
      withCredentials(readConfig({}), directory).config.credentials('ASLEEP_API_KEYS'),
    )
    expect(known({ SAHHA_API_KEYS: 'mine' })).toEqual([])
    expect(known({ NODE_ENV: 'production' })).toEqual([])
    expect(known({}, join(directory, 'other'))).toEqual([])
  })

  it('generated credentials that can not be read throw an error that names the file, without its text', () => {
    writeFileSync(join(directory, 'credentials.json'), 'sesame')
    const attempt = () => withCredentials(readConfig({}), directory)
    expect(attempt).toThrow(
      /credentials\.json: it can't be read \(it is not JSON\)\. Delete it to generate new/,
    )
    expect(attempt).not.toThrow('sesame')
    rmSync(directory, { recursive: true })
  })
})
