// What a search finds among the system's own things, and where these stand among the places of the gazetteer.
import type { Found } from '../shared/types'
import type { Mode } from './desk.svelte'

export type Hit = {
  key: string
  mode: Mode | null
  id: number
  kind: string
  label: string
  /** A code or number, "" without one. */
  code: string
  /** What a gauge, camera or crew is called without the words that every station has; "" where the name is a place's. */
  own: string
  place: [number, number] | null
  found?: Found
  /** The server has found it by the question, perhaps by words that its label does not hold. */
  isAnswer?: boolean
}
export type Ranked = { hits: Hit[]; left: number }
const SHOWN = 6

/** The question is the thing's own code or number, or the beginning of one. */
export const isCodeOf = (hit: Hit, words: string) => hit.code.toLowerCase().startsWith(words)
const isCalled = (hit: Hit, words: string) => hit.own !== '' && hit.own.toLowerCase().startsWith(words)
/** The words stand in its name or code, or say what kind of thing it is. */
const has = (hit: Hit, words: string) =>
  `${hit.own || hit.label} ${hit.code}`.toLowerCase().includes(words) || hit.kind.toLowerCase().startsWith(words)

const plain = (text: string) => text.toLowerCase().replace(/\s/g, '')

/**
 * Whether the question is the place's own name, with or without the word for what it is, or only that word; null where
 * it is neither. `kinds` are the words for its kind.
 */
export function foundBy(found: Pick<Found, 'label' | 'label_en'>, kinds: readonly string[], question: string): 'name' | 'kind' | null {
  const asked = plain(question)
  const ofKind = kinds.map(plain)
  const [name, name_en] = [plain(found.label), plain(found.label_en)]
  if (asked === '' || ofKind.includes(asked)) return asked === '' ? null : 'kind'
  const isName = name === asked || name_en === asked || ofKind.some((kind) => name_en === asked + kind)
  const isBehindItsKind = name.endsWith(asked) && ofKind.some((kind) => name.slice(0, -asked.length).endsWith(kind))
  return isName || isBehindItsKind ? 'name' : null
}

/**
 * The hits in their order: things that the question names by code, places, and then whatever else has the words in it.
 * A thing whose own name begins with the question goes before the places, unless a place's name begins with it too.
 * Of things at most six are among them; `left` says how many more there are.
 */
export function ranked(things: readonly Hit[], places: readonly Hit[], words: string): Ranked {
  const isPlaceName = places.some((hit) => hit.label.toLowerCase().startsWith(words))
  const matching = things.filter((hit) => hit.isAnswer || has(hit, words))
  const coded = matching.filter((hit) => isCodeOf(hit, words))
  const called = matching.filter((hit) => !coded.includes(hit) && !isPlaceName && isCalled(hit, words))
  const others = matching.filter((hit) => !coded.includes(hit) && !called.includes(hit))
  const before = [...coded, ...called].slice(0, SHOWN)
  const after = others.slice(0, SHOWN - before.length)
  return { hits: [...before, ...places, ...after], left: matching.length - before.length - after.length }
}
