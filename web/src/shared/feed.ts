import type { Names, Trust } from './types'

export type FeedCondition = 'off' | 'waiting' | 'working' | 'late' | 'failing'
/** A source of readings; `lines` say in both languages how it does. */
export type Feed = {
  code: string
  name: Names
  kind: string
  trust: Trust
  is_asked: boolean
  host: string | null
  period_s: number
  condition: FeedCondition
  lines: { key: string; th: string; en: string }[]
  trouble: string | null
  trouble_detail: string | null
  rows_stored: number
  rows_repeated: number
  rows_refused: number
  datastreams: string[]
  missing_datastreams: string[]
}
