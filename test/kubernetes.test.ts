import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { Job } from 'kubernetes-models/batch/v1/Job'
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Namespace } from 'kubernetes-models/v1/Namespace'
import { Secret } from 'kubernetes-models/v1/Secret'
import { Service } from 'kubernetes-models/v1/Service'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { ConfigSchema, secretNames } from '../src/config/index.ts'

function manifestsOf(file: string) {
  const documents = parseAllDocuments(readFileSync(join(import.meta.dirname, '../ops', file), 'utf8'))
  expect(documents.flatMap(({ errors }) => errors)).toEqual([])
  return documents.map((document) => document.toJS())
}

const main = manifestsOf('kubernetes.yaml')
const byKind = (kind: string) => main.find((manifest) => manifest.kind === kind)
const [policy] = manifestsOf('kubernetes-networkpolicy.yaml')
const [monitor] = manifestsOf('kubernetes-servicemonitor.yaml')

/** The models hold the schemas of Kubernetes' own OpenAPI document, and that of the Prometheus Operator. */
const models = {
  ...{ ConfigMap, Deployment, Ingress, Job, Namespace, NetworkPolicy, PodDisruptionBudget, Secret, Service },
  ServiceMonitor,
}

function validate(manifest: { kind: keyof typeof models; apiVersion: string }) {
  const Model = models[manifest.kind] as unknown as new (data: object) => { validate(): void }
  new Model(manifest).validate()
}

describe('the Kubernetes manifests', () => {
  it.each([...main, policy, monitor])('fit the schema of Kubernetes: $kind $metadata.name', (manifest) => {
    validate(manifest)
    expect(() => validate({ ...manifest, metadata: 'not an object' })).toThrow()
    expect(() => validate({ ...manifest, apiVersion: 'v0' })).toThrow()
  })

  it('have what a deployment needs, in this order', () => {
    expect(main.map(({ kind }) => kind)).toEqual([
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
    const secret = Object.keys(main[1].stringData)
    expect(secret.filter((name) => !secretNames.includes(name))).toEqual([])
    for (const { spec } of [main[3], main[4]]) {
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

  it('open the network only to the ingress controller, Prometheus, the database and DNS', () => {
    const { podSelector, policyTypes, ingress, egress } = policy.spec
    expect(policyTypes).toEqual(['Ingress', 'Egress'])
    const pods = ['Deployment', 'Job'].map((kind) => byKind(kind).spec.template.metadata.labels.app)
    expect(podSelector.matchExpressions[0].values.sort()).toEqual(pods.sort())
    const [{ name }] = byKind('Deployment').spec.template.spec.containers[0].ports
    expect(ingress.map(({ ports }: { ports: object[] }) => ports)).toEqual([
      [{ protocol: 'TCP', port: name }],
    ])
    expect(ingress.every(({ from }: { from: unknown[] }) => from.length > 0)).toBe(true)
    expect(
      egress.map(({ ports }: { ports: Array<{ port: number }> }) => ports.map(({ port }) => port)),
    ).toEqual([[5432], [53, 53]])
  })

  it('let Prometheus scrape the service under the job that the alerts name', () => {
    const service = byKind('Service')
    expect(service.metadata.name).toBe('nightpost')
    expect(service.metadata.labels).toMatchObject(monitor.spec.selector.matchLabels)
    const [{ port, path, authorization }] = monitor.spec.endpoints
    expect([service.spec.ports[0].name, '/metrics']).toEqual([port, path])
    const { name, key } = authorization.credentials
    expect([byKind('Secret').metadata.name, key]).toEqual([name, 'METRICS_TOKEN'])
    expect(Object.keys(byKind('Secret').stringData)).toContain(key)
    expect(monitor.metadata.namespace).toBe(service.metadata.namespace)
  })
})
