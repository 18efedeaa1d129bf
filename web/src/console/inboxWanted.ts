// What an officer wants to see of the inbox: as the screen's choices, as the API's question, as a named filter keeps it.
import type { IncidentState } from '../shared/types'

export const VIEWS = ['open', 'waiting-for-desk', 'near', 'overdue', 'same', 'paused', 'ended'] as const
export type View = (typeof VIEWS)[number]
export type Order = 'urgent' | 'newest'
export type Choice = { view: View; category: string; agency: string; tiers: number[]; words: string; order: Order }
/** As the API names it; what is missing narrows nothing. */
export type Wanted = {
  state?: IncidentState[]; category?: string[]; agency?: string[]; tier?: number[]
  near?: boolean; overdue?: boolean; same?: boolean; waiting?: boolean; q?: string
}

const OF_VIEW: Record<View, Wanted> = {
  open: {},
  'waiting-for-desk': { state: ['new', 'sent_on', 'reopened'] },
  near: { near: true },
  overdue: { overdue: true },
  same: { same: true },
  paused: { waiting: true },
  ended: { state: ['done', 'closed', 'rejected'] },
}
export const EVERYTHING: Choice = { view: 'open', category: '', agency: '', tiers: [], words: '', order: 'urgent' }

export function wantedOf(choice: Choice): Wanted {
  const words = choice.words.trim()
  return {
    ...OF_VIEW[choice.view],
    ...(choice.category && { category: [choice.category] }),
    ...(choice.agency && { agency: [choice.agency] }),
    ...(choice.tiers.length && { tier: choice.tiers }),
    ...(words && { q: words }),
  }
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null)

/** The choices that ask for this. */
export function choiceOf(wanted: Wanted): Choice {
  const view = VIEWS.find((name) => name !== 'open' && Object.entries(OF_VIEW[name]).every(([key, value]) => isSame(wanted[key as keyof Wanted], value)))
  return {
    view: view ?? 'open', category: wanted.category?.[0] ?? '', agency: wanted.agency?.[0] ?? '', tiers: wanted.tier ?? [], words: wanted.q ?? '',
    order: view === 'ended' ? 'newest' : 'urgent',
  }
}

export function questionOf(wanted: Wanted, more: Record<string, string | number> = {}): string {
  const question = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...wanted, ...more }))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== '' && one !== undefined) question.append(name, String(one))
  return question.toString()
}
