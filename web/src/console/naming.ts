// Names of zones in a line that stays readable however many there are, and the languages of an alert in one order.
import type { Alert } from '../shared/types'
import { named, t } from '../shared/words.svelte'

export function zoneNames(zones: Alert['zones'], shown: number): string {
  const names = zones.slice(0, shown).map((zone) => named(zone.name))
  const rest = zones.length - names.length
  return names.join(' · ') + (rest > 0 ? ` ${t('and-more-zones', { count: rest })}` : '')
}

/** News by its own title, a warning by its zones; an exercise says so first. */
export function alertTitle(alert: Alert, shown: number): string {
  const title = alert.kind === 'news' ? (alert.texts.th?.title ?? '') : zoneNames(alert.zones, shown)
  return alert.is_exercise ? `${t('exercise-mark')} ${title}` : title
}

const ORDER = ['th', 'en', 'ms', 'my']

/** The languages that the alert speaks, Thai first. */
export const languagesOf = (alert: Alert) => Object.keys(alert.texts).sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
