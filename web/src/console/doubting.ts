// Why a reading or a gauge is in doubt, in words.
import { clock } from '../shared/clock.svelte'
import { ago, duration, metres, shortDateTimeOf, timeOf } from '../shared/format'
import type { ApiProblem } from '../shared/api'
import type { Gauge, GaugeForecast, History, Override, Reading } from '../shared/types'
import { isDoubtful } from '../shared/ui/levelDrawing'
import { codeWord, t } from '../shared/words.svelte'

/** Every test that the reading raised, or what its sender said of it; the flag's own word where nothing is named. */
export function whyWords(reading: Reading): string {
  const codes = [...new Set([...(reading.qc_reason ? [reading.qc_reason] : []), ...(reading.qc_tests ?? [])])]
  return codes.length ? codes.map((code) => codeWord('qc-why', code)).join(' · ') : ''
}

/** "28 พ.ย. 10:05 · 99.00 ม. · ใช้ไม่ได้: …" */
export function doubtWords(reading: Reading): string {
  const why = whyWords(reading)
  const flag = codeWord('qc', String(reading.qc_flag))
  return [shortDateTimeOf(reading.observed_at), reading.value === null ? '' : metres(reading.value), why ? `${flag}: ${why}` : flag].filter(Boolean).join(' · ')
}

/** Overrides of the same words by the same person that follow each other, the newest first. */
export function overrideRuns(all: readonly Override[]): Override[][] {
  const runs: Override[][] = []
  const same = (a: Override, b: Override) => a.by === b.by && a.reason === b.reason && a.flag === b.flag && a.tested_flag === b.tested_flag
  for (const one of all.toReversed()) {
    const [last] = runs.slice(-1)
    if (last?.[0] && same(last[0], one)) last.push(one)
    else runs.push([one])
  }
  return runs
}

/** Which readings, who says what of them and why, and what their tests had said. */
export function overrideWords(run: readonly Override[]): string {
  const [newest, oldest] = [run[0], run.at(-1)]
  if (!newest || !oldest) return ''
  const when = newest === oldest ? shortDateTimeOf(newest.observed_at) : `${shortDateTimeOf(oldest.observed_at)}–${timeOf(newest.observed_at)}`
  const level = newest === oldest ? metres(newest.value) : t('readings-count', { count: run.length })
  const slots = { when, level, flag: codeWord('qc', String(newest.flag)), by: newest.by, reason: newest.reason }
  return t('override-says', { ...slots, tested: codeWord('qc', String(newest.tested_flag)) })
}

/** How the gauge itself stands and since when, for a list. */
export function conditionWords(gauge: Gauge): string {
  const now_ms = clock.now_ms
  if (gauge.last_heard_at === null) return t('never-heard')
  if (gauge.condition === 'untrusted') return t('condition-untrusted-since', { ago: ago(gauge.condition_since_at ?? gauge.last_good_at, now_ms) })
  if (gauge.condition === 'late' || gauge.condition === 'lost') return t('silent-for', { duration: duration((now_ms - Date.parse(gauge.last_heard_at)) / 1000) })
  return t('measured-ago', { ago: ago(gauge.last_good_at, now_ms) })
}

/** Why a chart shows no line: its readings are on their way, cannot be had, or there are none. */
export function absenceWords(of: { status: 'loading' | 'ready' | 'failed'; problem: ApiProblem | null }, history: History | null): string {
  if (history) return history.readings.some((reading) => reading.value !== null && !isDoubtful(reading)) ? '' : t('chart-empty')
  return of.problem ? t('chart-failed') : t('loading')
}

/** How often the gauge speaks, and whether it was told or found out. */
export const paceWords = (gauge: Gauge) =>
  t(gauge.is_interval_learnt ? 'pace-learnt' : 'pace-declared', { every: duration(gauge.interval_s), declared: duration(gauge.declared_interval_s) })

/** Why no hours ahead are shown; nothing where nobody forecasts at all. */
export function whyNoForecast(forecast: GaugeForecast | null): string {
  if (!forecast || forecast.is_shown) return ''
  return t('forecast-none', { why: codeWord('forecast-why', forecast.reason?.replaceAll(/[:_]/g, '-')) })
}
