// The page's sentences in the four languages that residents choose from. What only the map says has two.
import { FluentBundle, FluentResource, type FluentVariable } from '@fluent/bundle'
import { words as ofTheMap } from '../shared/words.svelte'
import en from './locales/en.ftl?raw'
import ms from './locales/ms.ftl?raw'
import my from './locales/my.ftl?raw'
import th from './locales/th.ftl?raw'

export type Tongue = 'th' | 'en' | 'ms' | 'my'
export const TONGUES: readonly (readonly [Tongue, string])[] = [['th', 'ไทย'], ['en', 'English'], ['ms', 'Melayu'], ['my', 'မြန်မာ']]

function bundle(locale: string, source: string): FluentBundle {
  const made = new FluentBundle(locale, { useIsolating: true })
  made.addResource(new FluentResource(source))
  return made
}
const bundles: Record<Tongue, FluentBundle> = { th: bundle('th', th), en: bundle('en', en), ms: bundle('ms', ms), my: bundle('my', my) }

class Spoken {
  tongue = $state<Tongue>('th')

  speak(tongue: Tongue): void {
    this.tongue = tongue
    ofTheMap.language = tongue === 'th' ? 'th' : 'en'
    document.documentElement.lang = tongue
    document.title = say('title')
  }
}
export const spoken = new Spoken()

export function say(key: string, slots: Record<string, FluentVariable> = {}): string {
  const message = bundles[spoken.tongue].getMessage(key)
  if (!message?.value) return `⟦${key}⟧`
  return bundles[spoken.tongue].formatPattern(message.value, slots)
}

/** Before the city knows the resident, the phone's own language is the best guess. */
export function guess(): Tongue {
  const phone = navigator.language.slice(0, 2)
  return phone === 'en' || phone === 'ms' || phone === 'my' ? phone : 'th'
}
