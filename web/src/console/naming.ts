// Names of zones in a line that stays readable however many there are.
import type { Alert } from '../shared/types'
import { named, t } from '../shared/words.svelte'

export function zoneNames(zones: Alert['zones'], shown: number): string {
  const names = zones.slice(0, shown).map((zone) => named(zone.name))
  const rest = zones.length - names.length
  return names.join(' · ') + (rest > 0 ? ` ${t('and-more-zones', { count: rest })}` : '')
}
