// Whom the city's layers come from, in the screen's language.
import { t, words } from './words.svelte'

const THAI = /[\u0e01-\u0e5b]/
const OSM = /^OpenStreetMap contributors(, relation \d+)?/

/** The screen's own part of a text that its pack gives as "Thai · English"; any other text as it is. */
export function ownPart(text: string): string {
  const [thai, english, ...others] = text.split(' · ')
  if (!thai || !english || others.length || !THAI.test(thai) || THAI.test(english)) return text
  return words.language === 'th' ? thai : english
}

/** A layer's source as it is to be named here. */
export const sourceWords = (source: string) => ownPart(source).replace(OSM, t('source-osm'))

/** Whom to thank beside the map: who drew most of it and asks to be named there first, then `most` at most, then how many more. */
export function creditsOf(layers: readonly { source: string }[], most: number): string {
  const sources = [...new Set(layers.map((layer) => layer.source))].sort((a, b) => Number(OSM.test(b)) - Number(OSM.test(a)))
  const names = [...new Set(sources.map((source) => sourceWords(source).split('; ')[0] ?? ''))]
  const more = names.length - most
  return [...names.slice(0, most), ...(more > 0 ? [t('sources-more', { count: more })] : [])].join(' · ')
}
