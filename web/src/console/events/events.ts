// Floods that are looked back at: what became of each zone, whom it reached, and what today's rules would do.
import { Resource } from '../../shared/live.svelte'
import type { LevelState, Names } from '../../shared/types'

export const OUTCOMES = ['miss', 'false_alarm', 'unknown', 'hit', 'quiet'] as const
export type Outcome = (typeof OUTCOMES)[number]
export const SAID = ['flooded', 'not_flooded', 'unknown'] as const
export type Said = (typeof SAID)[number]

export type FloodEvent = {
  id: number; number: string; began_at: string; ended_at: string | null; level: LevelState; alerts: number; told: number; zones: number; said: number
  is_exercise: boolean
}
export type ZoneAfter = {
  zone_id: number; code: string; name: Names; outcome: Outcome; by: 'witnesses' | 'officer'; level: LevelState; warned_at: string | null
  water_at: string | null; lead_min: number | null; depth_class: number; witnesses: string[]; note: string
}
export type Score = {
  hits: number; misses: number; false_alarms: number; unknown: number; detected_share: number | null; false_share: number | null
  median_lead_min: number | null
}
export type Reach = {
  alert_id: number; number: string; kind: string; level: LevelState; state: string; approved_at: string | null; audience: number; accepted: number
  by_language: Record<string, number>; unreached_by_reason: Record<string, number>; ledger: Record<string, number>; answers: Record<string, number>
}
export type Entry = { at: string; about: 'alert' | 'gauge' | 'water' | 'report' | 'person'; kind: string; level: number; zone_ids: number[]; text: Names }
export type EventDetail = {
  event: FloodEvent; score: Score; people_told: number; zones: ZoneAfter[]; asks_for: number[]; reach: Reach[]; timeline: Entry[]
}

export const DIFFERENCES = ['fewer', 'later', 'more', 'earlier', 'same'] as const
export type Difference = (typeof DIFFERENCES)[number]
export type ReplayLine = {
  zone_id: number; code: string; name: Names; level: LevelState; then_at: string | null; now_at: string | null; difference: Difference; minutes: number | null
}
export type Replay = {
  event_id: number; policy_version: number; policy_version_then: number; pictures: number; approved_after_s: number; messages_then: number
  messages_now: number; all_clear_then_at: string | null; all_clear_now_at: string | null; differences: Record<Difference, number>; lines: ReplayLine[]
}

export const events = new Resource<{ events: FloodEvent[] }>(() => '/events?limit=200', ['alerts.'], 5000)
