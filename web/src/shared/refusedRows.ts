// What could not be taken of what gauges and others sent, as the API groups it.
import type { Names } from './types'

export type RefusedGroup = {
  source: string
  /** "" where the rows name no datastream. */
  datastream_code: string
  station: { id: number; name: Names } | null
  reason: string
  words: Names
  advice: Names | null
  waiting: number
  replayed: number
  first_at: string
  newest_at: string
  /** The newest row as it came, without its key. */
  example: string
}
export type RefusedGroups = { since: string; waiting: number; groups_count: number; groups: RefusedGroup[] }
