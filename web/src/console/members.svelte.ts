// Members and groups as the office sees them: by number, never by name, until somebody is looked at.
import { Resource } from '../shared/live.svelte'
import type { Names } from '../shared/types'

export type Member = {
  number: number; language: string; joined_at: string; is_reachable: boolean; has_consented: boolean; is_identity_checked: boolean; group_ids: number[]
}
export type MemberDetail = Member & {
  name: string | null; phone: string | null; identity_checked_at: string | null; identity_checked_by: string | null; communities: Names[]
}
export type Group = { id: number; name: Names; is_leaders: boolean; members: number }
export const MEMBERS_SHOWN = 100

class Members {
  /** The last number of each page before this one. */
  before = $state<number[]>([])
  group = $state('')
  readonly page = new Resource<{ members: Member[] }>(
    () => `/residents?limit=${MEMBERS_SHOWN}&after=${this.before.at(-1) ?? 0}${this.group ? `&group=${this.group}` : ''}`, ['residents.'], 5000,
  )
  readonly groups = new Resource<{ groups: Group[] }>(() => '/resident-groups', ['residents.'], 5000)
}

export const members = new Members()
