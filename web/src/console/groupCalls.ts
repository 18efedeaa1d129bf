// Cries for help in groups by people whom the city does not know, until an officer has seen to them.
import { Resource } from '../shared/live.svelte'
import { session } from '../shared/session.svelte'

export type GroupCall = { id: number; group: string | null; began_at: string; last_at: string; cries: number }

const READERS = ['officer', 'approver', 'dispatcher', 'admin'] as const

export const groupCalls = new Resource<{ calls: GroupCall[] }>(() => (session.may(...READERS) ? '/group-calls' : null), ['incidents.group_called'])
