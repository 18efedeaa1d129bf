// Which key was meant. On a Thai keyboard the key of J writes a vowel and that of 2 a slash: keys count by their place.

const NAMED: Record<string, string> = { Slash: '/' }

/** The letter, digit or name of the key, small; shifted signs as they are written. */
export function keyOf(event: KeyboardEvent): string {
  if (event.key === '?') return '?'
  if (event.code.startsWith('Key')) return event.code.slice(3).toLowerCase()
  if (event.code.startsWith('Digit') && !event.shiftKey) return event.code.slice(5)
  if (event.code in NAMED) return event.shiftKey ? '?' : (NAMED[event.code] ?? event.key)
  return event.key
}

export const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches('input:not([type=checkbox], [type=radio]), textarea, select'))
