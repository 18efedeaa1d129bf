// Rules as the API tells them, and as a form holds them: fields in people's units, the document in the house's.
import type { LevelState, Names } from '../../shared/types'

export type RuleDocument = Record<string, unknown> & { kind: Kind; streams: string[] }
export type Rule = {
  code: string
  version: number
  kind: Kind
  document: RuleDocument
  is_active: boolean
  is_followed: boolean
  valid_from_at: string | null
  made_by: string | null
  reason: string | null
  state: LevelState | null
  since_at: string | null
  condition: number | null
}
export type Stream = { code: string; gauge_id: number; name: Names; unit: string; observed_property: string }
export type Rules = { rules: Rule[]; streams: Stream[] }
export type Change = { at: string; kind: string; from_state: LevelState; to_state: LevelState; is_announced: boolean; value: number | null }
/** What is doubtful about a rule; one that needs no confirmation is only worth knowing. */
export type Doubt = { code: string; field: string; text: Names; needs_confirmation: boolean }
export type Trial = {
  warnings: Doubt[]
  /** Outside these spans there was silence. */
  heard: { from_at: string; to_at: string }[]
  changes: Change[]
  state_changes: number
  announced: number
  naive_crossings: number
  readings: number
  points: { at: string; value: number }[]
}

export const KINDS = ['level', 'rate_of_rise', 'rain_sum', 'upstream', 'quorum', 'forecast_crossing', 'silence'] as const
export type Kind = (typeof KINDS)[number]
/** A gauge's level has a rule from its thresholds: it is changed, never begun. */
export const NEW_KINDS = KINDS.filter((kind) => kind !== 'level')
export const isOfRain = (kind: Kind) => kind === 'rain_sum'

type Unit = 'm' | 'mm' | 'minutes' | 'hours' | 'times' | 'percent' | 'gauges'
/** `factor` turns what people type into what the document says; `usual` is what counts where the document is silent. */
export type Field = { path: string; unit: Unit; factor: number; usual?: number; group: 'levels' | 'signal' | 'timing' }

const levels = (path = '', unit: Unit = 'm'): Field[] =>
  ['watch', 'warning', 'danger'].map((name) => ({ path: path + name, unit, factor: 1, group: 'levels' }))
const DEAD_BAND: Field = { path: 'dead_band', unit: 'm', factor: 1, usual: 0.1, group: 'levels' }
const TIMING: Field[] = [
  { path: 'timing.readings_up', unit: 'times', factor: 1, usual: 2, group: 'timing' },
  { path: 'timing.hold_s', unit: 'minutes', factor: 60, usual: 1800, group: 'timing' },
  { path: 'timing.merge_s', unit: 'minutes', factor: 60, usual: 3600, group: 'timing' },
  { path: 'timing.repeat_s', unit: 'hours', factor: 3600, usual: 21600, group: 'timing' },
]
const FIELDS: Record<Kind, Field[]> = {
  level: [...levels(), DEAD_BAND, ...TIMING],
  rate_of_rise: [...levels(), DEAD_BAND, { path: 'within_s', unit: 'minutes', factor: 60, usual: 3600, group: 'signal' }, ...TIMING],
  rain_sum: [
    ...['1', '3', '24'].flatMap((hours) => levels(`sums.${hours}.`, 'mm')),
    { path: 'interval_s', unit: 'minutes', factor: 60, usual: 900, group: 'signal' },
    ...TIMING,
  ],
  upstream: [...levels(), DEAD_BAND, { path: 'lag_s', unit: 'minutes', factor: 60, usual: 7200, group: 'signal' }, ...TIMING],
  quorum: [
    { path: 'needed', unit: 'gauges', factor: 1, usual: 2, group: 'signal' },
    { path: 'fresh_s', unit: 'minutes', factor: 60, usual: 3600, group: 'signal' },
    ...TIMING,
  ],
  forecast_crossing: [
    ...levels(),
    DEAD_BAND,
    { path: 'within_h', unit: 'hours', factor: 1, usual: 6, group: 'signal' },
    { path: 'least_confidence', unit: 'percent', factor: 0.01, usual: 0.9, group: 'signal' },
    ...TIMING,
  ],
  silence: [
    { path: 'timing.late_after_s', unit: 'minutes', factor: 60, usual: 1800, group: 'timing' },
    { path: 'timing.lost_after_s', unit: 'minutes', factor: 60, usual: 3600, group: 'timing' },
    { path: 'timing.silence_repeat_s', unit: 'hours', factor: 3600, usual: 21600, group: 'timing' },
  ],
}
export const fieldsOf = (kind: Kind) => FIELDS[kind]
/** The word of a field: a limit of any sum is a limit. */
export const wordOf = (field: Field) => field.path.split('.').at(-1)!.replace(/_s$|_h$/, '').replaceAll('_', '-')
/** Over how many hours a rain limit counts; null for any other field. */
export const hoursOf = (field: Field) => (field.path.startsWith('sums.') ? Number(field.path.split('.')[1]) : null)

function valueAt(document: Record<string, unknown>, path: string): unknown {
  return path.split('.').reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], document)
}

/** What the form shows of a document: a text for each field, empty where there is no such level. */
export function inputsOf(document: RuleDocument): Record<string, string> {
  return Object.fromEntries(
    FIELDS[document.kind].map((field) => {
      const given = valueAt(document, field.path)
      const value = given === undefined ? field.usual : given
      return [field.path, typeof value === 'number' ? String(+(value / field.factor).toFixed(4)) : '']
    }),
  )
}

/** The document that the form means; what the form does not show stays as it was. */
export function documentOf(base: RuleDocument, inputs: Record<string, string>): RuleDocument {
  const made = structuredClone(base) as RuleDocument
  for (const field of FIELDS[base.kind]) {
    const text = (inputs[field.path] ?? '').trim()
    const path = field.path.split('.')
    const name = path.pop()!
    const isNever = text === '' && field.path === 'timing.repeat_s'
    let part = made as Record<string, unknown> | undefined
    for (const step of path) {
      if (part && part[step] === undefined && (text !== '' || isNever)) part[step] = {}
      part = part?.[step] as Record<string, unknown> | undefined
    }
    if (!part) continue
    if (text !== '') part[name] = +(Number(text) * field.factor).toFixed(6)
    else if (isNever) part[name] = null
    else delete part[name]
  }
  if (base.kind === 'rain_sum') {
    const sums = (made.sums ?? {}) as Record<string, Record<string, unknown>>
    made.sums = Object.fromEntries(Object.entries(sums).filter(([, limits]) => ['watch', 'warning', 'danger'].some((name) => limits[name] != null)))
  }
  return made
}

/** The first level of the form that is not above the one before it; null where all rise. */
export function notRising(kind: Kind, inputs: Record<string, string>): { field: Field; lower: Field } | null {
  const given = FIELDS[kind].filter((field) => field.group === 'levels' && field !== DEAD_BAND && (inputs[field.path] ?? '').trim() !== '')
  for (const [index, field] of given.entries()) {
    const lower = given[index - 1]
    if (lower && hoursOf(lower) === hoursOf(field) && Number(inputs[field.path]) <= Number(inputs[lower.path])) return { field, lower }
  }
  return null
}

/** A first document of a new rule; a zone's gauges bring the limits of their own level rules. */
export function newDocument(kind: Kind, streams: string[], rules: Rule[]): RuleDocument {
  const made: RuleDocument = { kind, streams }
  if (kind === 'quorum') {
    made.limits = Object.fromEntries(streams.map((stream) => [stream, limitsOf(rules.find((rule) => rule.code === `level/${stream}`))]))
    made.needed = Math.min(2, streams.length)
  }
  return made
}

export const limitsOf = (rule: Rule | undefined) =>
  Object.fromEntries(
    ['watch', 'warning', 'danger', 'dead_band'].map((name) => [name, rule?.document[name]]).filter(([, value]) => typeof value === 'number'),
  )

/** A code that no rule has yet. */
export function freeCode(kind: Kind, stream: string, rules: Rule[]): string {
  const taken = new Set(rules.map((rule) => rule.code))
  const first = `${kind}/${stream}`
  if (!taken.has(first)) return first
  let next = 2
  while (taken.has(`${first}-${next}`)) next += 1
  return `${first}-${next}`
}

/** The limits that the picture draws: those of the value that the rule sees. */
export function drawnLimits(document: RuleDocument): { level: LevelState; value: number }[] {
  const sums = document.sums as Record<string, Record<string, number>> | undefined
  const limits = sums ? (Object.values(sums)[0] ?? {}) : document.kind === 'quorum' ? { watch: document.needed as number } : (document as Record<string, unknown>)
  return (['watch', 'warning', 'danger'] as const).flatMap((name, index) => {
    const value = limits[name]
    return typeof value === 'number' ? [{ level: (index + 1) as LevelState, value }] : []
  })
}

/** The fields of a form whose values two documents of a rule do not share. */
export function differing(kind: Kind, one: RuleDocument, other: RuleDocument): { field: Field; one: string; other: string }[] {
  const [mine, theirs] = [inputsOf(one), inputsOf(other)]
  return FIELDS[kind]
    .map((field) => ({ field, one: mine[field.path] ?? '', other: theirs[field.path] ?? '' }))
    .filter((pair) => pair.one !== pair.other)
}

export const pathOf = (code: string) => `/rules/${code.split('/').map(encodeURIComponent).join('/')}`
