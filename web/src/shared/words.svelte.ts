// Thai and English sentences from the Fluent files beside this one. A missing key shows itself.
import { FluentBundle, FluentResource, type FluentVariable } from '@fluent/bundle'
import en from './locales/en.ftl?raw'
import th from './locales/th.ftl?raw'
import type { Names } from './types'

export type Language = 'th' | 'en'
const STORED = 'faonam.language'

function bundle(locale: string, source: string): FluentBundle {
  // Isolation marks serve mixed directions; Thai and English both run left to right.
  const made = new FluentBundle(locale, { useIsolating: false })
  made.addResource(new FluentResource(source))
  return made
}
const bundles: Record<Language, FluentBundle> = { th: bundle('th', th), en: bundle('en', en) }

function storedLanguage(): Language {
  const asked = new URLSearchParams(location.search).get('lang') ?? localStorage.getItem(STORED)
  return asked === 'en' ? 'en' : 'th'
}

class Words {
  language = $state<Language>(storedLanguage())

  speak(language: Language): void {
    this.language = language
    localStorage.setItem(STORED, language)
    document.documentElement.lang = language
  }
}
export const words = new Words()
document.documentElement.lang = words.language

export function t(key: string, slots: Record<string, FluentVariable> = {}): string {
  const chosen = bundles[words.language]
  const message = chosen.getMessage(key)
  if (!message?.value) return `⟦${key}⟧`
  return chosen.formatPattern(message.value, slots)
}

/** Like `t`, but for keys made of codes that the API may extend: an unknown code is shown as it is. */
export function codeWord(prefix: string, code: string | null | undefined): string {
  if (!code) return '–'
  return bundles[words.language].hasMessage(`${prefix}-${code}`) ? t(`${prefix}-${code}`) : code
}

/** The code's words in every language: people also search in the one that their screen does not show. */
export function codeWords(prefix: string, code: string): string[] {
  const values = Object.values(bundles).map((bundle) => bundle.getMessage(`${prefix}-${code}`)?.value)
  return values.filter((value) => typeof value === 'string')
}

export function named(names: Names | null | undefined): string {
  if (!names) return ''
  return (words.language === 'th' ? names.th || names.en : names.en || names.th) ?? ''
}
