// Why a reading or a gauge is in doubt, in words.
import { clock } from '../shared/clock.svelte'
import { ago, duration, metres, shortDateTimeOf } from '../shared/format'
import type { Gauge, GaugeForecast, Reading } from '../shared/types'
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

/** How the gauge itself stands and since when, for a list. */
export function conditionWords(gauge: Gauge): string {
  const now_ms = clock.now_ms
  if (gauge.last_heard_at === null) return t('never-heard')
  if (gauge.condition === 'untrusted') return t('condition-untrusted-since', { ago: ago(gauge.condition_since_at ?? gauge.last_good_at, now_ms) })
  if (gauge.condition === 'late' || gauge.condition === 'lost') return t('silent-for', { duration: duration((now_ms - Date.parse(gauge.last_heard_at)) / 1000) })
  return t('measured-ago', { ago: ago(gauge.last_good_at, now_ms) })
}

/** How often the gauge speaks, and whether it was told or found out. */
export const paceWords = (gauge: Gauge) =>
  t(gauge.is_interval_learnt ? 'pace-learnt' : 'pace-declared', { every: duration(gauge.interval_s), declared: duration(gauge.declared_interval_s) })

/** Why no hours ahead are shown; nothing where nobody forecasts at all. */
export function whyNoForecast(forecast: GaugeForecast | null): string {
  if (!forecast || forecast.is_shown) return ''
  return t('forecast-none', { why: codeWord('forecast-why', forecast.reason?.replaceAll(/[:_]/g, '-')) })
}
