// The words of alerts: what is used, the city's own versions, and what somebody here is changing.
import { Resource } from '../../shared/live.svelte'
import type { AlertText, LevelState, Names } from '../../shared/types'
import { t } from '../../shared/words.svelte'

export const HAZARDS = ['flood', 'flash_flood', 'dam_release', 'tide', 'storm'] as const
export const LEVELS = [0, 1, 2, 3] as const
export const LANGUAGES = ['th', 'en', 'ms', 'my'] as const
export const PARTS = ['title', 'situation', 'expected', 'action', 'alt'] as const
export type Hazard = (typeof HAZARDS)[number]
export type Language = (typeof LANGUAGES)[number]
export type Part = (typeof PARTS)[number]

export type Template = Record<Part, string> & { hazard: Hazard; level: LevelState; language: Language }
export type Filled = Template & { previews: { observed: AlertText; expected?: AlertText } }
/** `where` is hazard and level, such as flood/2; it is empty for what concerns a whole language. */
export type Finding = { rule: string; is_error: boolean; language: string; part: string; where: string; sentence: Names }
export type WordsOf = { version: number; is_used: boolean; templates: Filled[]; findings: Finding[] }
export type Version = {
  version: number; based_on: number; note: string; drafted_by: string; drafted_at: string; reviewed_by: string | null; reviewed_at: string | null
}
/** Changed texts that were tried and not kept: those without an error as they would be read, and all findings. */
export type Trial = { is_fit: boolean; templates: Filled[]; findings: Finding[] }
export type Wording = { used: number; versions: Version[]; words: WordsOf }

export const keyOf = (one: { hazard: string; level: number; language: string }) => `${one.hazard}/${one.level}/${one.language}`
export const whereOf = (one: { hazard: string; level: number }) => `${one.hazard}/${one.level}`
export const slotsIn = (text: string) => [...new Set(text.match(/\{[a-z]+\}/g) ?? [])]
/** A finding's sentence with the part's name as the fields have it. */
export const partNamed = (sentence: string) =>
  sentence.replace(/"(\w+)"/, (code, part: string) => (PARTS.some((one) => one === part) ? `“${t(`wording-part-${part}`)}”` : code))
/** The parts that two templates say otherwise. */
export const partsChanged = (one: Template, other: Template | undefined) => PARTS.filter((part) => one[part] !== other?.[part])

class Wordings {
  /** Asked for when the paper is opened and after each deed: it is a long answer, and changes a few times in a year. */
  readonly all = new Resource<Wording>(() => '/alert-templates')
  /** Texts that are being changed, by key: closing the paper loses none of them. */
  changed = $state.raw<Record<string, Template>>({})
  note = $state('')
  /** What was found in them as they stand; null once one of them has changed again. */
  trial = $state.raw<Trial | null>(null)
  readonly count = $derived(Object.keys(this.changed).length)

  /** The text as it is being changed; one that is again as it is used is changed no more. */
  change(used: Filled, part: Part, text: string): void {
    this.trial = null
    const { previews: _, ...now } = used
    const next: Template = { ...now, ...this.changed[keyOf(used)], [part]: text }
    const { [keyOf(used)]: __, ...others } = this.changed
    this.changed = partsChanged(next, used).length ? { ...others, [keyOf(used)]: next } : others
  }

  restore(key: string): void {
    this.trial = null
    const { [key]: _, ...others } = this.changed
    this.changed = others
  }

  forget(): void {
    this.changed = {}
    this.note = ''
    this.trial = null
  }
}

export const wordings = new Wordings()
