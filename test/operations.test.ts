import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parser } from '@prometheus-io/lezer-promql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
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

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook_url: string }
}
const alerts: Alert[] = parse(read('ops/prometheus-alerts.yml')).groups[0].rules
interface Target {
  readonly refId: string
  readonly expr: string
  readonly datasource: object
}
interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly datasource: object
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number }
  readonly targets: readonly Target[]
}
const dashboard = JSON.parse(read('ops/grafana-dashboard.json'))
const panels: Panel[] = dashboard.panels

/** Whether Prometheus' own grammar accepts the expression. */
function isPromQL(expression: string): boolean {
  let isValid = true
  parser.parse(expression).iterate({
    enter: ({ type }) => {
      if (type.isError) isValid = false
    },
  })
  return isValid
}

it('tells a wrong expression', () => {
  expect(
    ['sum by (a) (rate(b[5m]))', 'sum by (a) (rate(b[5m])', 'a >', 'up{job=nightpost}'].map(isPromQL),
  ).toEqual([...[true, false, false, false]])
})

describe('only valid expressions of existing metrics are used by', () => {
  it.each(alerts)('the alert $alert', ({ alert, expr }) => {
    expect(isPromQL(expr)).toBe(true)
    expect(used(expr).filter((name) => !exists(name))).toEqual([])
    // `up` is Prometheus' own.
    const isOnUp = ['NightpostDown', 'NightpostNotScraped'].includes(alert)
    expect(isOnUp ? /\bup\{job="nightpost"\}/.test(expr) : used(expr).length > 0).toBe(true)
  })

  it.each(panels)('the panel $title', ({ targets }) => {
    for (const { expr } of targets) {
      expect(isPromQL(expr)).toBe(true)
      expect(used(expr).length).toBeGreaterThan(0)
      expect(used(expr).filter((name) => !exists(name))).toEqual([])
    }
  })

  it('metrics of any Node process only with the job', () => {
    const expressions = [...alerts, ...panels.flatMap(({ targets }) => targets)].map(({ expr }) => expr)
    const shared = expressions.flatMap((expr) => expr.match(/\b(?:nodejs|process)_\w+\S*/g) ?? [])
    expect(shared.length).toBeGreaterThan(0)
    expect(shared.filter((use) => !use.includes('{job="nightpost"}'))).toEqual([])
  })
})

const promtool = (...options: string[]) =>
  spawnSync('promtool', options, { cwd: join(root, 'ops'), encoding: 'utf8' })
const ruleTests = ['prometheus-alerts.test.yml', 'prometheus-alerts-over-days.test.yml']
const hasPromtool = promtool('--version').error === undefined
if (!hasPromtool) process.stderr.write('No promtool is installed: its checks of the alerts are left out.\n')

describe('the alerts', () => {
  it.runIf(hasPromtool).each([
    ['check', ['check', 'rules', 'prometheus-alerts.yml']],
    ['test', ['test', 'rules', ...ruleTests]],
  ])('pass promtool: %s', (_, options) => {
    const { status, stdout, stderr } = promtool(...options)
    expect(status, stdout + stderr).toBe(0)
  })

  it('each have a test for promtool in which they fire', () => {
    const files = ruleTests.flatMap((file) => parse(read(`ops/${file}`)).tests)
    const tests = files.flatMap(
      (test: { alert_rule_test: Array<{ alertname: string; exp_alerts: unknown[] }> }) =>
        test.alert_rule_test,
    )
    for (const { alert } of alerts) {
      const counts = tests.filter((test: { alertname: string }) => test.alertname === alert)
      expect(
        counts.some(({ exp_alerts }: { exp_alerts: unknown[] }) => exp_alerts.length > 0),
        alert,
      ).toBe(true)
    }
  })

  it('link to the section of the runbook that has their name', () => {
    for (const { alert, annotations, labels } of alerts) {
      expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`)
      expect(['page', 'ticket']).toContain(labels.severity)
    }
  })
})

describe('the dashboard', () => {
  it('has panels with an id of their own, beside each other', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
    const taken = new Set<string>()
    for (const { gridPos, title } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`), title).toBe(false)
          taken.add(`${x} ${y}`)
        }
      }
    }
  })

  it('reads from the data source that its variable names', () => {
    expect(dashboard.templating.list).toContainEqual(
      expect.objectContaining({ name: 'datasource', type: 'datasource', query: 'prometheus' }),
    )
    const source = { type: 'prometheus', uid: '$' + '{datasource}' }
    for (const { datasource, targets } of panels) {
      expect(datasource).toEqual(source)
      for (const target of targets) expect(target.datasource).toEqual(source)
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length)
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

  it('has a section for each alert and for nothing else: meaning, impact, what to look at, what mends it', () => {
    const sections = [...page.matchAll(/^### (Nightpost\w+)\n([\s\S]*?)(?=^##)/gm)]
    expect(sections.map(([, name]) => name)).toEqual(alerts.map(({ alert }) => alert))
    for (const [, name, text = ''] of sections) {
      const items = [...text.matchAll(/^- (.*?): \S/gm)].map(([, item]) => item)
      expect(items, name).toEqual(['Meaning', 'Impact', 'Look at', 'What mends it'])
    }
  })

  it('links only to anchors that exist', () => {
    const anchors = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replace(/ /g, '-'),
    )
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor)
    expect(links.filter((anchor) => !anchors.includes(String(anchor)))).toEqual([])
  })
})
