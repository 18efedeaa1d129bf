// Numbers, times and places as people here read them: Buddhist years, Arabic numerals, Bangkok time.
import { t, words } from './words.svelte'

const ZONE = 'Asia/Bangkok'
const locale = () => (words.language === 'th' ? 'th-TH-u-ca-buddhist-nu-latn' : 'en-GB')

const formats = new Map<string, Intl.DateTimeFormat>()
function dateFormat(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale()} ${name}`
  let format = formats.get(key)
  if (!format) formats.set(key, (format = new Intl.DateTimeFormat(locale(), { timeZone: ZONE, ...options })))
  return format
}

const asDate = (at: string | number | Date) => (at instanceof Date ? at : new Date(at))

export function timeOf(at: string | number | Date | null | undefined): string {
  if (at == null) return '–'
  return dateFormat('time', { hour: '2-digit', minute: '2-digit', hour12: false }).format(asDate(at))
}

export function dateOf(at: string | number | Date): string {
  const parts = dateFormat('date', { day: 'numeric', month: 'short', year: 'numeric' }).formatToParts(asDate(at))
  return ['day', 'month', 'year'].map((part) => parts.find((p) => p.type === part)?.value ?? '').join(' ')
}

export function shortDateTimeOf(at: string | number | Date | null | undefined): string {
  if (at == null) return '–'
  const day = dateFormat('day', { day: 'numeric', month: 'short' }).format(asDate(at))
  return `${day} ${timeOf(at)}`
}

/** The time alone where it was within the last half day, else with its day. */
export function recentTimeOf(at: string, now_ms: number): string {
  return now_ms - Date.parse(at) < 12 * 3_600_000 ? timeOf(at) : shortDateTimeOf(at)
}

const numbers = new Map<number, Intl.NumberFormat>()
export function number(value: number | null | undefined, digits = 0): string {
  if (value == null || Number.isNaN(value)) return '–'
  let format = numbers.get(digits)
  if (!format) {
    format = new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
    numbers.set(digits, format)
  }
  // A real minus sign, so that columns of figures line up.
  return format.format(value).replace('-', '−')
}

export const metres = (value: number | null | undefined, digits = 2) =>
  value == null ? '–' : `${number(value, digits)} ${t('unit-m')}`

/** A difference of levels: centimetres below one metre, metres above. */
export function height(value_m: number): string {
  const size = Math.abs(value_m)
  return size < 1 ? `${number(Math.round(size * 100))} ${t('unit-cm')}` : `${number(size, 2)} ${t('unit-m')}`
}

export const percent = (share: number | null | undefined) => (share == null ? '–' : `${number(share * 100)} %`)

export function distance(value_m: number | null | undefined): string {
  if (value_m == null) return '–'
  return value_m < 950 ? `${number(Math.round(value_m / 10) * 10)} ${t('unit-m')}` : `${number(value_m / 1000, 1)} ${t('unit-km')}`
}

const CLASS_BOUNDS_M = [0.2, 0.5, 1] // As flood.rules: ankle, knee, waist, above.
/** The depth class of the house: 0 dry, 1 ankle, 2 knee, 3 waist, 4 above. */
export const depthClass = (depth_m: number) => (depth_m > 0 ? 1 + CLASS_BOUNDS_M.filter((bound_m) => depth_m >= bound_m).length : 0)

/** A length of time in the two largest units that say something. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return '–'
  const minutes = Math.round(Math.abs(seconds) / 60)
  if (minutes < 1) return t('duration-under-minute')
  if (minutes < 60) return t('duration-minutes', { minutes })
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 ? t('duration-hours-minutes', { hours, minutes: minutes % 60 }) : t('duration-hours', { hours })
  return t('duration-days', { days: Math.floor(hours / 24) })
}

export function ago(at: string | null | undefined, now_ms: number): string {
  if (!at) return '–'
  const seconds = (now_ms - new Date(at).getTime()) / 1000
  return seconds < 60 ? t('just-now') : t('ago', { duration: duration(seconds) })
}

/** The text's first letters, with an ellipsis where it has more of them. */
export function shortened(text: string, letters: number): string {
  const all = [...text]
  return all.length > letters ? `${all.slice(0, letters).join('')}…` : text
}
