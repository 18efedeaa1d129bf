// What an officer has begun to write and not sent: it waits for them, whatever they look at meanwhile, also while they
// sign in again. Another officer at the same desk does not see it, and nothing of it outlives the tab.
import { untrack } from 'svelte'
import { session } from '../shared/session.svelte'

type Kind = 'note' | 'answer' | 'reason' | 'category' | 'send-on' | 'wait' | 'resume' | 'keep'
const kept = new Map<string, string>()
const keyOf = (kind: Kind, id: number | string | null | undefined) => `${untrack(() => session.account?.username)} ${kind} ${id}`

export const unsentOf = (kind: Kind, id: number | string | null | undefined): string => kept.get(keyOf(kind, id)) ?? ''

export function keepUnsent(kind: Kind, id: number | string | null | undefined, text: string): void {
  if (text.trim()) kept.set(keyOf(kind, id), text)
  else kept.delete(keyOf(kind, id))
}
