// Who and what stands in the water, always with how many there are: one shape for a zone, the city and a drawn area.
import { number } from '../shared/format'
import type { AreaFacts, MembersPart, Zone } from '../shared/types'
import { codeWord, t } from '../shared/words.svelte'

export type Row = { key: string; label: string; wet: string; total: string; share: number | null }

const sum = (of: number[]) => of.reduce((a, b) => a + b, 0)
const share = (wet: number | null | undefined, total: number | null) => (wet == null || !total ? null : Math.min(1, wet / total))

const row = (key: string, label: string, wet: number | null, total: number | null, digits = 0): Row => ({
  key, label, wet: number(wet, digits), total: number(total, digits), share: share(wet, total),
})

/** Rows of zones together: of one zone, or of all of them. */
export function zoneRows(zones: readonly Zone[]): Row[] {
  const total = (name: string) => sum(zones.map((zone) => zone.totals[name] ?? 0))
  const over = (name: string) => sum(zones.map((zone) => zone.roads_over_km[name] ?? 0))
  const people: Row[] = (['people', 'members', 'homes', 'vulnerable_homes'] as const).map((name) =>
    row(name, t(`exposed-${name}`), sum(zones.map((zone) => zone[name])), total(name)),
  )
  const roads = [['0.0', 'exposed-roads'], ['0.2', 'exposed-roads-20'], ['0.5', 'exposed-roads-50']] as const
  return [...people, ...roads.map(([name, words]) => row(name, t(words), over(name), total('roads_km'), 1))]
}

export function zoneFacilities(zones: readonly Zone[]): Row[] {
  const of = 'facilities_'
  const kinds = new Set(zones.flatMap((zone) => [...Object.keys(zone.facilities), ...Object.keys(zone.totals).filter((name) => name.startsWith(of)).map((name) => name.slice(of.length))]))
  return [...kinds].map((kind) =>
    row(kind, codeWord('facility', kind), sum(zones.map((zone) => zone.facilities[kind] ?? 0)), sum(zones.map((zone) => zone.totals[of + kind] ?? zone.facilities[kind] ?? 0))),
  ).sort(byWet)
}

export function areaRows(area: AreaFacts): Row[] {
  const rows: Row[] = area.people ? [row('registered', t('exposed-registered'), area.people.wet, area.people.total)] : []
  for (const name of ['members', 'homes', 'vulnerable_homes'] as const) rows.push(memberRow(name, area[name]))
  const wet = area.roads_wet_km
  rows.push(row('roads', t('exposed-roads'), wet && sum(Object.values(wet)), area.roads_km, 1))
  for (const [depth, km] of Object.entries(wet ?? {})) rows.push(row(`roads-${depth}`, `– ${t(`depth-${depth}`)}`, km, area.roads_km, 1))
  return rows
}

const memberRow = (name: string, part: MembersPart): Row => ({
  key: name,
  label: t(`exposed-${name}`),
  wet: part.is_few_wet ? t('few') : number(part.wet),
  total: part.is_few ? t('few') : number(part.total),
  share: share(part.wet, part.total),
})

export const areaFacilities = (area: AreaFacts): Row[] =>
  Object.entries(area.facilities).map(([kind, part]) => row(kind, codeWord('facility', kind), part.wet, part.total)).sort(byWet)

const byWet = (a: Row, b: Row) => (b.share ?? -1) - (a.share ?? -1) || a.label.localeCompare(b.label)

/** How the people were counted, in words; the API's own words where they are new here. */
export function peopleMethod(zones: readonly Zone[]): string {
  const methods = new Set(zones.map((zone) => /\((register|census|assumed)\)$/.exec(zone.people_method)?.[1] ?? zone.people_method).filter(Boolean))
  return [...methods].map((method) => codeWord('people-by', method)).join(' · ')
}
