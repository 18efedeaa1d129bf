// Who passes alerts on and who is called when nobody does: leaders' groups, lists of people to call, and how long is waited.
import { Resource } from '../../shared/live.svelte'
import type { LevelState, Names } from '../../shared/types'

export const LANGUAGES = ['th', 'en', 'ms', 'my'] as const
export type ZoneRef = { code: string; name: Names }
export type LeaderGroup = {
  id: number; name: Names; language: string; community: Names | null; zones: ZoneRef[]; is_open: boolean; opened_at: string | null; members: number | null
  counted_at: string | null; leaders: number
}
export type Area = { id: number; code: string; name: Names }
export type Contact = { id: number; position: number; name: string; is_wrong: boolean }
export type Patience = { version: number; minutes_by_level: Record<string, number | null> }
export type Call = { id: number; contact_id: number; name: string }
export type Escalation = {
  id: number; alert_id: number; number: string; level: LevelState; state: string; community: Names | null; zones: ZoneRef[]; opened_at: string
  call: Call | null; calls_made: { name: string | null; outcome: string; note: string | null; at: string; by: string | null }[]
}

class Leaders {
  /** Whose list of people to call lies open: a community's by its code, or the whole city's. */
  community = $state('')
  readonly groups = new Resource<{ groups: LeaderGroup[] }>(() => '/leader-groups', ['line.', 'alerts.'], 5000)
  readonly areas = new Resource<{ areas: Area[] }>(() => '/areas?kind=community')
  readonly contacts = new Resource<{ contacts: Contact[] }>(
    () => `/contact-list${this.community ? `?community=${encodeURIComponent(this.community)}` : ''}`, ['alerts.escalation'], 5000,
  )
  readonly patience = new Resource<Patience>(() => '/escalation-policy')
  readonly calls = new Resource<{ escalations: Escalation[] }>(() => '/escalations', ['alerts.'], 2000)
}

export const leaders = new Leaders()
