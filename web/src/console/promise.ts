// What is left of a promise, in words.
import { duration } from '../shared/format'
import { t } from '../shared/words.svelte'

export function promiseLeft(promised_at: string | null, now_ms: number): { text: string; isOver: boolean } | null {
  if (!promised_at) return null
  const left_s = (new Date(promised_at).getTime() - now_ms) / 1000
  const isOver = left_s < 0
  return { text: t(isOver ? 'promise-over' : 'promise-left', { duration: duration(left_s) }), isOver }
}
