// What gauges and cameras are called.
import { t } from './words.svelte'

/** The name without the words for gauges and cameras at its beginning: of "เครื่องวัดระดับน้ำ …" the rest. */
export function ownName(name: string): string {
  const common = t('station-words').split('|').map((word) => word.trim().toLowerCase()).sort((a, b) => b.length - a.length)
  let own = name.trim()
  for (;;) {
    const word = common.find((one) => own.toLowerCase().startsWith(one))
    if (word === undefined) return own
    own = own.slice(word.length).replace(/^[\s,:–-]+/, '') // "Water level camera, North Canal"
  }
}
