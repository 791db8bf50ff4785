import { parser } from '@prometheus-io/lezer-promql'
import type { SyntaxNode } from '@lezer/common'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { givenApiKey, PROJECTS, sendWithKey } from '../api-key/given-api-key.ts'
import { givenPerson } from '../harness.ts'
import { expectSoon, seriesOf, startMeasured, type MeasuredServer } from '../watching/given-metrics.ts'
import { pageOf } from './code-blocks.ts'

interface Rule {
  alert: string
  expr: string
  labels: { severity: string }
  annotations: { summary: string }
}
interface Panel {
  title: string
  datasource?: { uid: string }
  targets?: { expr: string; legendFormat: string }[]
}

const page = pageOf('docs/operations.md')
const rules = (parse(pageOf('docs/operations/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
)
const dashboard = JSON.parse(pageOf('docs/operations/grafana-dashboard.json')) as { panels: Panel[] }

/** What Grafana puts in before it asks. */
const asAsked = (expression: string) => expression.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'tenantry')

const expressions: [string, string][] = [
  ...rules.map(({ alert, expr }): [string, string] => [alert, expr]),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }): [string, string] => [`${title}: ${legendFormat}`, asAsked(expr)]),
  ),
]

/** What Prometheus itself adds to each series, and a server alone has not: it is one worker. */
const ADDED = ['job', 'instance', 'worker']
/** Series that Prometheus makes itself. */
const OWN = ['up']

/** A selector in an expression, with what is asked of its labels. */
interface Selector {
  name: string
  matchers: { label: string; operator: string; value: string }[]
}

function nodesOf(expression: string): { node: SyntaxNode; text: string; type: string }[] {
  const found: { node: SyntaxNode; text: string; type: string }[] = []
  parser.parse(expression).iterate({
    enter: ({ node, name }) => void found.push({ node, type: name, text: expression.slice(node.from, node.to) }),
  })
  return found
}

function selectorsOf(expression: string): Selector[] {
  return nodesOf(expression)
    .filter(({ type }) => type === 'VectorSelector')
    .map(({ text }) => {
      const inner = nodesOf(text)
      const of = (wanted: string) => inner.filter(({ type }) => type === wanted).map((one) => one.text)
      const matchers = of('UnquotedLabelMatcher').map((matcher) => {
        const [, label = '', operator = '', value = ''] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/.exec(matcher) ?? []
        return { label, operator, value }
      })
      return { name: of('Identifier')[0] ?? '', matchers }
    })
}

/** The labels by which an expression sums, and those that it shows. */
const groupedBy = (expression: string): string[] =>
  nodesOf(expression)
    .filter(({ type, node }) => type === 'LabelName' && node.parent?.name === 'GroupingLabels')
    .map(({ text }) => text)

describe('the rules and the dashboard', () => {
  let server: MeasuredServer
  let series: { name: string; labels: Record<string, string> }[] = []

  beforeAll(async () => {
    server = await startMeasured()
    const person = await givenPerson(server)
    const { secret } = await givenApiKey(server, person, { rateLimitPerMinute: 1 })
    await server.send(PROJECTS, { token: person.token })
    await server.send(PROJECTS)
    await sendWithKey(server, secret)
    await sendWithKey(server, secret)
    await expectSoon(() => server.sum('tenantry_rate_limit_decisions_total', { decision: 'limited' }), 1)
    // A process that has never collected garbage has nothing to show of it.
    const collected = async () => {
      JSON.stringify(Array.from({ length: 1_000_000 }, (_, at) => ({ at })))
      return (await server.sum('nodejs_gc_duration_seconds_count')) > 0
    }
    await expectSoon(collected, true)
    series = [...(await server.samples()).keys()].map(seriesOf)
  }, 180_000)
  afterAll(() => server?.close())

  test('are many, and each asks for something', () => {
    expect(rules.length).toBeGreaterThan(10)
    expect(dashboard.panels.length).toBeGreaterThan(20)
    expect(expressions.filter(([, expression]) => selectorsOf(expression).length === 0)).toEqual([])
    expect(selectorsOf(`sum by (job, le) (rate(a_total{b=~"c|d",e!="f"}[5m])) / g > 1`)).toEqual([
      {
        name: 'a_total',
        matchers: [
          { label: 'b', operator: '=~', value: 'c|d' },
          { label: 'e', operator: '!=', value: 'f' },
        ],
      },
      { name: 'g', matchers: [] },
    ])
    expect(groupedBy('sum by (job, le) (rate(a_total[5m]))')).toEqual(['job', 'le'])
  })

  test.each(expressions)('%s: is an expression of Prometheus', (_, expression) => {
    expect(nodesOf(expression).filter(({ node }) => node.type.isError)).toEqual([])
  })

  test.each(expressions)('%s: asks for what the server shows', (_, expression) => {
    for (const { name, matchers } of selectorsOf(expression)) {
      if (OWN.includes(name)) continue
      const named = series.filter((one) => one.name === name)
      expect({ name, shown: named.length > 0 }).toEqual({ name, shown: true })
      for (const { label, operator, value } of matchers) {
        if (ADDED.includes(label)) continue
        const values = named.map(({ labels }) => labels[label])
        // What is only left out need not have happened yet.
        const wanted = operator === '=' ? [value] : operator === '=~' ? value.split('|') : []
        expect({ label, isKnown: values.every((one) => one !== undefined) }).toEqual({ label, isKnown: true })
        expect(values).toEqual(expect.arrayContaining(wanted))
      }
    }
  })

  test.each(expressions)('%s: sums by labels that there are', (_, expression) => {
    const labels = new Set(
      selectorsOf(expression).flatMap(({ name }) =>
        series.filter((one) => one.name === name).flatMap((one) => Object.keys(one.labels)),
      ),
    )
    expect(groupedBy(expression).filter((label) => !labels.has(label) && !ADDED.includes(label))).toEqual([])
  })

  test('the table of metrics has every metric of the server, and no other', () => {
    const written = new Set([...page.matchAll(/`(tenantry_\w+)`/g)].map(([, name]) => name))
    const shown = new Set(
      series
        .map(({ name }) => name.replace(/_(bucket|count|sum)$/, ''))
        .filter((name) => name.startsWith('tenantry_'))
        // Written as `…_open` and `…_idle`.
        .filter((name) => !/_pool_connections_(open|idle)$/.test(name)),
    )
    expect([...written].sort()).toEqual([...shown].sort())
  })
})

test('each alert is explained on the page, and the page explains no other', () => {
  const explained = [...page.matchAll(/^### (\w+)$/gm)].map(([, name]) => name)
  expect(explained).toEqual(rules.map(({ alert }) => alert))
  for (const { labels, annotations } of rules) {
    expect(['page', 'ticket']).toContain(labels.severity)
    expect(annotations.summary).toMatch(/\S/)
  }
})

test('what a panel names its lines by is a label that it sums by', () => {
  for (const { targets = [] } of dashboard.panels) {
    for (const { expr, legendFormat } of targets) {
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label)
      expect(groupedBy(asAsked(expr))).toEqual(expect.arrayContaining(shown))
    }
  }
})

test('every panel asks the data source that is chosen', () => {
  const asking = dashboard.panels.filter(({ targets }) => targets)
  expect(asking.map(({ datasource }) => datasource?.uid)).toEqual(asking.map(() => '${datasource}'))
})
