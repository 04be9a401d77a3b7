import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { ConfigSchema, secretNames } from '../src/config/index.ts'
import { metricsOf } from './setup/metrics.ts'
import { setup, type TestService } from './setup/service.ts'

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

let service: TestService
let exposed: Map<string, string>
beforeAll(async () => {
  service = await setup()
  const { text } = await metricsOf(service.app)
  exposed = new Map(
    [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type = '']) => [name, type]),
  )
})
afterAll(() => service.close())

/** The metrics that an expression uses. */
function used(expression: string): string[] {
  const outside = expression.replace(/\{[^}]*\}|"[^"]*"/g, ' ').replace(/\b(?:by|on) ?\([^)]*\)/g, ' ')
  return [...outside.matchAll(/\b(?:nightpost|nodejs|process)_\w+/g)].map(([name]) => name)
}

function exists(name: string): boolean {
  if (exposed.has(name)) return exposed.get(name) !== 'histogram'
  const family = name.replace(/_(?:bucket|sum|count)$/, '')
  return family !== name && exposed.get(family) === 'histogram'
}

const alerts: Array<{ alert: string; expr: string }> = parse(read('ops/prometheus-alerts.yml')).groups[0]
  .rules
const panels: Array<{ title: string; targets: Array<{ expr: string }> }> = JSON.parse(
  read('ops/grafana-dashboard.json'),
).panels

describe('only existing metrics are used by', () => {
  it.each(alerts)('the alert $alert', ({ expr }) => {
    expect(used(expr).filter((name) => !exists(name))).toEqual([])
    expect(expr === 'up{job="nightpost"} == 0' || used(expr).length > 0).toBe(true)
  })

  it.each(panels)('the panel $title', ({ targets }) => {
    for (const { expr } of targets) {
      expect(used(expr).length).toBeGreaterThan(0)
      expect(used(expr).filter((name) => !exists(name))).toEqual([])
    }
  })
})

describe('docs/operations.md', () => {
  const page = read('docs/operations.md')

  it('lists exactly the metrics of Nightpost', () => {
    const own = [...exposed.keys()].filter((name) => name.startsWith('nightpost_'))
    const listed = new Set([...page.matchAll(/^\| `(nightpost_\w+)/gm)].map(([, name]) => name))
    expect([...listed].sort()).toEqual(own.sort())
  })

  it('explains every alert', () => {
    for (const { alert } of alerts) expect(page, alert).toContain(`\`${alert}\``)
  })
})

describe('deployment', () => {
  const compose = parse(read('docker-compose.yml'))

  it('passes every setting to the service in the compose file', () => {
    const given = Object.keys(compose.services.nightpost.environment)
    const elsewhere = ['HOST', 'PGPASSWORD']
    expect([...given, 'HOST'].filter((name) => name !== 'PGPASSWORD').sort()).toEqual(
      Object.keys(ConfigSchema.properties).sort(),
    )
    expect(elsewhere).toHaveLength(2)
  })

  it('gives every container limits, a restart policy and no privileges', () => {
    for (const name of ['postgres', 'nightpost']) {
      const { mem_limit, restart, healthcheck } = compose.services[name]
      expect([name, typeof mem_limit, restart]).toEqual([name, 'string', 'unless-stopped'])
      if (name === 'postgres') expect(healthcheck).toBeDefined()
    }
    expect(compose.services.nightpost).toMatchObject({ read_only: true, cap_drop: ['ALL'] })
  })

  it('has valid Kubernetes manifests that use existing settings', () => {
    const documents = parseAllDocuments(read('ops/kubernetes.yaml'))
    expect(documents.flatMap(({ errors }) => errors)).toEqual([])
    const manifests = documents.map((document) => document.toJS())
    expect(manifests.map(({ kind }) => kind)).toEqual([
      ...[
        'Namespace',
        'Secret',
        'ConfigMap',
        'Job',
        'Deployment',
        'PodDisruptionBudget',
        'Service',
        'Ingress',
      ],
    ])
    const secret = Object.keys(manifests[1].stringData)
    expect(secret.filter((name) => !secretNames.includes(name))).toEqual([])
    for (const { spec } of [manifests[3], manifests[4]]) {
      const pod = spec.template.spec
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 })
      for (const { env, securityContext } of pod.containers) {
        expect(securityContext).toMatchObject({
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        for (const { name, value } of env) {
          const setting = name.replace(/_FILE$/, '')
          expect(Object.keys(ConfigSchema.properties)).toContain(setting)
          if (setting !== name) expect(value).toBe(`/run/secrets/nightpost/${setting}`)
        }
      }
    }
  })

  it('is documented', () => {
    expect(readdirSync(join(root, 'docs'))).toEqual(expect.arrayContaining(['deploy.md', 'operations.md']))
  })
})
