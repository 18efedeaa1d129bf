// What the API answers, as the screens use it. Levels in metres above mean sea level, times ISO 8601 in UTC.
import type { FeatureCollection, Geometry, LineString, Point, Polygon } from 'geojson'

export type Trust = 'real' | 'derived' | 'simulated'
export type Names = { th: string; en: string }
export type LonLat = { lon: number; lat: number }
export type Clock = { now: string; speed: number }

export type Layer = {
  name: string
  kind: string
  source: string
  licence: string
  dated: string | null
  trust: Trust
  row_count: number
  version: number
  warning_count: number
  accuracy: string
}
export type City = {
  slug: string
  name: Names
  centre: LonLat
  bbox: [number, number, number, number]
  is_simulated: boolean
  simulated_layers: string[]
  layers: Layer[]
  registered: { total: number; outside: number; unlocated: number } | null
  tiles_version: string
  clock: Clock
  line_is_standin: boolean
  standin_url: string | null
}

export type Role = 'viewer' | 'officer' | 'approver' | 'dispatcher' | 'crew' | 'admin'
export type Account = {
  id: number
  username: string
  display_name: string
  roles: Role[]
  crew_code: string | null
}

export type LevelState = 0 | 1 | 2 | 3
/** `unknown` only in a picture of another moment, for which the gauge had no level. */
export type GaugeCondition = 'ok' | 'late' | 'lost' | 'untrusted' | 'unknown'
export type Gauge = {
  id: number
  code: string
  name: Names
  kind: string
  level_m_msl: number | null
  observed_at: string | null
  state: LevelState | null
  is_stale: boolean
  trend_m_per_h: number | null
  bank_m_msl: number | null
  thresholds: { watch: number | null; warning: number | null; danger: number | null }
  qc_flag: number | null
  qc_reason?: string | null
  confidence: number | null
  trust: Trust
  camera_id: number | null
  condition: GaugeCondition
  condition_since_at: string | null
  last_heard_at: string | null
  last_good_at: string | null
  interval_s: number
  declared_interval_s: number | null
  is_interval_learnt: boolean
}
/** A reading with codes of why it is in doubt: the gravest and all tests. */
export type Reading = { observed_at: string; value: number | null; qc_flag: number; qc_reason?: string | null; qc_tests?: string[] }
/** `bucket_s` where only the lowest and highest of so many seconds are here; further apart than `gap_after_s` is silence. */
export type History = { gauge_id: number; readings: Reading[]; stored: number; bucket_s: number | null; gap_after_s: number; overrides: Override[] }
/** A reading that an officer judged otherwise than its tests. */
export type Override = {
  observed_at: string
  value: number | null
  flag: number
  reason: string
  by: string
  made_at: string
  tested_flag: number
  tested_reason: string | null
}
/** The least that fell where the hour `is_whole` not. */
export type RainHour = { from_at: string; rain_mm: number; is_whole: boolean }
export type Rain = { gauge_id: number; station: { id: number; code: string; name: Names; trust: Trust; distance_m: number } | null; hours: RainHour[] }
/** Skills are shares by which the forecast errs less than "the level stays as it is" does. */
export type Horizon = {
  hours: number
  at: string
  level_m_msl: number
  low_m_msl: number
  high_m_msl: number
  nominal: number
  forecaster: string
  skill: number | null
  skill_rising: number | null
  is_shown: boolean
  why: string[]
}
export type GaugeForecast = { gauge_id: number; made_at: string | null; is_shown: boolean; reason: string | null; fitted_at: string | null; horizons: Horizon[] }
export type Camera = {
  id: number
  code: string
  name: Names
  picture_url: string | null
  level_m_msl: number | null
  sigma_m: number | null
  confidence: number | null
  is_reading: boolean
  reasons: string[]
  taken_at: string | null
  station_id: number
  trust: Trust
}
export type Zone = {
  id: number
  code: string
  name: Names
  severity: LevelState | null
  is_falling: boolean
  depth_class: 0 | 1 | 2 | 3 | 4 | null
  depth_p50_m?: number | null
  depth_p90_m?: number | null
  confidence?: number | null
  people: number
  people_method: string
  members: number
  homes: number
  vulnerable_homes: number
  roads_km: number
  roads_over_km: Record<string, number>
  facilities: Record<string, number>
  totals: Record<string, number>
  wet_share: number
}
/** A picture on the time line: of what was and is (`horizon_min` 0), or of an hour to come. */
export type Run = {
  run_id: number
  computed_at: string
  valid_at: string
  horizon_min: number
  basis_run_id: number | null
  method: string
  confidence: number
  worst_severity: LevelState
  people: number
}
/** All three are null where nothing is known. */
export type Depth = LonLat & {
  depth_m: number | null
  likely_m: number | null
  chance: number | null
  /** Why nothing is known: `no-picture`, `no-data`, `not-kept` or `no-ground`. */
  unknown?: string | null
  run_id: number | null
  computed_at: string | null
}
export type Found = LonLat & {
  radius_m: number
  kind: string
  label: string
  label_en: string
  matched: string
  confidence: number
  code: string
  is_approximate: boolean
}
export type Geocoded = { q: string; candidates: Found[]; reason: string | null; reason_en: string | null }
/** `wet` is null where it is unknown, and both where one or two members could be told by name. */
export type MembersPart = { wet: number | null; is_few_wet: boolean; total: number | null; is_few: boolean }
export type Part = { wet: number | null; total: number }
export type AreaFacts = {
  run_id: number | null
  valid_at: string | null
  horizon_min: number
  method: string
  confidence: number
  area_m2: number
  wet_m2: Record<string, number> | null
  homes: MembersPart
  vulnerable_homes: MembersPart
  members: MembersPart
  people: Part | null
  people_by: Record<string, number>
  roads_km: number
  roads_wet_km: Record<string, number> | null
  facilities: Record<string, Part>
}
/** A level that a picture was drawn from, or without where it has a `doubt`. */
export type DrawnLevel = { station_id: number; code: string; level_m_msl: number; is_stale: boolean; doubt?: string | null }
export type Flood = {
  run_id: number | null
  computed_at: string | null
  valid_at?: string | null
  horizon_min?: number
  method: string
  reason?: string | null
  confidence: number | null
  levels?: DrawnLevel[]
  /** False where the depth of every spot is no longer kept. */
  has_depths?: boolean
  /** Where the terrain reaches to; beyond it nothing is known. */
  ground?: Polygon | null
  polygons: FeatureCollection<Geometry, { depth_class: number }>
}
export type Points<P> = FeatureCollection<Point, P>
export type Shapes<P> = FeatureCollection<Geometry, P>

export type AlertState =
  | 'draft' | 'proposed' | 'approved' | 'sending' | 'active' | 'expired' | 'updated' | 'cancelled' | 'ended' | 'declined' | 'withdrawn'
export type AlertText = { title: string; body: string; situation?: string; action?: string; alt?: string }
export type Alert = {
  id: number
  number: string
  kind: 'alert' | 'update' | 'all_clear' | 'news'
  hazard: string
  source: 'rule' | 'officer' | 'outside'
  is_exercise: boolean
  level: 0 | 1 | 2 | 3
  state: AlertState
  revision: number
  zones: { id: number; name: Names }[]
  proposed_at: string
  revised_at: string
  approved_at: string | null
  expires_at: string | null
  closed_at?: string | null
  closed_reason?: string | null
  has_cap?: boolean
  cap_problems?: { identifier: string; field: string; problem: string }[]
  evidence: { kind: string; text: Names }[]
  texts: Record<string, AlertText>
  audience: {
    count: number
    by_language: Record<string, number>
    unreachable: number
    suppressed: number
    vulnerable: number
  }
  delivery: {
    queued: number
    accepted: number
    failed: number
    unknown: number
    recipients: number
    accepted_recipients: number
  }
  answers?: Record<string, number>
  proposed_by: string | null
  /** The first of the two people that its level may need. */
  checked_by: string | null
  is_check_valid: boolean
  needs_persons: number
  needs_typed_name: boolean
  approved_by: string | null
  /** Its time runs out soon: somebody says whether it is renewed or over. */
  is_expiring: boolean
  is_armed: boolean
  hold_until_at: string | null
  sends_itself_at: string | null
}

export type ThreadEntry = { id: number; alert_id: number | null; happened_at: string; kind: string; by: string | null; detail: Record<string, unknown> }
export type ArmedPolicy = { id: number; level: number; owner: string; armed_by: string; armed_at: string; expires_at: string; delay_s: number; is_armed: boolean }
export type Roll = { told: number; safe: number; help: number; can_help: number; silent: number; vulnerable_silent: number }
export type RollCall = {
  total: Roll
  zones: (Roll & { zone_id: number | null; name: Names | null })[]
  offers: Record<string, number>
  reminder: { asked_at: string; asked_by: string; recipients: number } | null
}
export type OutsideWarning = {
  id: number
  source: { code: string; name: Names; kind: string }
  sent_at: string
  expires_at: string
  age: Names
  event: string
  headline: Names
  is_wide: boolean
  acts_as: 'context' | 'proposal'
  findings: Names[]
}
export type OutsideSource = { code: string; name: Names; condition: 'off' | 'waiting' | 'working' | 'silent' | 'failing'; line: Names }
/** Whom an alert is for as things are now. */
export type AlertReachOf = {
  revision: number
  count: number
  vulnerable: number
  already_told: number
  messages: number
  by_zone: { zone_id: number; name: Names; count: number }[]
  by_language: Record<string, number>
  by_reason: Record<string, number>
  suppressed_by_reason: Record<string, number>
  samples: Record<string, LineMessage[]>
  quota?: { left: number | null; is_enough: boolean; cost_thb: number | null } | null
}

export type ZoneRef = { code: string; name: Names }
export type Acknowledgements = {
  zones_total: number
  zones_acknowledged: number
  median_minutes: number | null
  zones: {
    zone: ZoneRef
    group: Names | null
    told_at: string
    acknowledged_at: string | null
    by: { way: 'button' | 'words' | 'phone'; member: number | null; account: string | null } | null
    minutes: number | null
    escalation: string | null
  }[]
}
export type Escalation = {
  id: number
  alert_id: number
  state: string
  zones: ZoneRef[]
  opened_at: string
  call: { id: number; contact_id: number; name: string } | null
  calls_made: { name: string | null; outcome: 'reached' | 'no_answer' | 'wrong_number'; note: string | null; at: string; by: string | null }[]
}

export type IncidentState = 'new' | 'accepted' | 'in_progress' | 'done' | 'closed' | 'rejected' | 'reopened' | 'sent_on'
export type Incident = {
  id: number
  number: string
  category: { code: string; name: Names; icon: string }
  agency: { code: string; name: Names } | null
  state: IncidentState
  place: LonLat
  place_label: Names
  summary: string
  depth_m: number | null
  report_count: number
  opened_at: string
  promised_at: string | null
  is_overdue: boolean
  is_fading: boolean
  tier: number
  job_id: number | null
  photos: string[]
}
export type IncidentNumber = { id: number; number: string }
export type PerhapsSame = { incident: Incident; score: number; terms: Record<string, number>; distance_m: number }
export type IncidentDetail = Incident & {
  merged_into: IncidentNumber | null
  took_in: IncidentNumber[]
  perhaps_same: PerhapsSame[]
  reports: { id: number; text: string; created_at: string; source: string; place_source: string; withdrawn_at: string | null; is_private: boolean }[]
  changes: {
    from_state: string | null; to_state: string; at: string; by: string | null; reason: string | null
    kind: string; from_agency: { code: string; name: Names } | null; to_agency: { code: string; name: Names } | null
  }[]
}
export type IncidentNote = { id: number; text: string; by: string; at: string }
/** Shares of the upright picture. */
export type Box = { left: number; top: number; width: number; height: number }
export type PhotoReview = {
  id: number; url: string; original_url: string; verdict: 'open' | 'redacted' | 'hidden' | null; boxes: Box[]; by: string | null; at: string | null
}
export type IncidentRedaction = { photos: PhotoReview[]; reports: { report_id: number; words: string[]; public_text: string }[] }
export type Agency = { code: string; name: Names; area_code: string | null }
export type PromisePause = { kind: 'reporter' | 'ended'; began_at: string; until: string | null; ended_at: string | null; question: string; by: string }
export type IncidentPromise = {
  agencies: { code: string; name: Names; role: 'lead' | 'other'; reason: string; distance_m: number | null; since: string }[]
  promise_hours: number
  promise_in: 'calendar' | 'working'
  promised_at: string
  used_share: number
  is_waiting: boolean
  pauses: PromisePause[]
  marks: { kind: string; at: string; promised_at: string; agency_code: string | null }[]
  reporters_unreachable: number
  can_fade: boolean
  is_fading: boolean
  said: { asked: number; still: number; worse: number; gone: number }
}

export type JobState = 'open' | 'assigned' | 'accepted' | 'en_route' | 'on_scene' | 'done' | 'failed' | 'cancelled'
export type JobTerm = { name: string; value: number; weight: number; text: Names }
export type Job = {
  id: number
  incident_id: number
  number: string
  category: { code: string; name: Names; icon?: string }
  state: JobState
  tier: number
  score: number
  terms: JobTerm[]
  crew: { code: string; name: Names } | null
  place: LonLat
  place_label?: Names
  summary?: string
  depth_m?: number | null
  route: LineString | null
  travel_s: number | null
  distance_m: number | null
  last_leg_m?: number | null
  note?: string | null
  photos?: string[]
  created_at: string
  assigned_at?: string | null
  done_at?: string | null
}
export type Suggestion = {
  crew: { code: string; name: Names }
  vehicle?: string
  travel_s: number | null
  distance_m: number | null
  reason: Names
  is_excluded: boolean
  route: LineString | null
}
export type Crew = {
  code: string
  name: Names
  kind: string
  vehicle: string
  is_on_duty: boolean
  position_at: string | null
  job_id?: number | null
  job_state?: JobState | null
  trust: Trust
}

export type Overview = {
  gauges: { total: number; normal: number; watch: number; warning: number; danger: number; stale: number; unknown: number }
  zones_by_severity: Record<string, number>
  incidents: { open: number; overdue: number; by_state: Record<string, number> }
  jobs: { live: number; waiting: number; by_state: Record<string, number> }
  alerts: { live: number; proposed: number; by_state: Record<string, number> }
  message_chunks: Record<string, number>
  members: { total: number; reachable: number; homes: number }
  is_simulated: boolean
  simulated_layers: string[]
  line_is_standin: boolean
}

export type PublicWater = {
  city: { slug: string; name: Names; is_simulated: boolean }
  clock: Clock
  computed_at: string | null
  gauges: Points<Gauge>
  cameras: Points<Camera>
  zones: Shapes<Zone>
}

// LINE's own message and action objects, as far as our cards use them.
export type LineTemplateCard = { title?: string; text?: string; action?: LineAction; actions?: LineAction[] }
export type LineTemplate = LineTemplateCard & { type: string; columns?: LineTemplateCard[] }
export type LineAction = {
  type: 'postback' | 'message' | 'location' | 'camera' | 'cameraRoll' | 'uri' | 'datetimepicker' | 'richmenuswitch' | string
  label?: string
  data?: string
  text?: string
  displayText?: string
  uri?: string
  richMenuAliasId?: string
}
export type FlexNode = {
  type: string
  layout?: string
  contents?: FlexNode[]
  text?: string
  url?: string
  action?: LineAction
  [look: string]: unknown
}
export type LineMessage = {
  type: string
  id?: string
  text?: string
  altText?: string
  contents?: FlexNode
  template?: LineTemplate
  latitude?: number
  longitude?: number
  title?: string
  address?: string
  originalContentUrl?: string
  previewImageUrl?: string
  data?: string
  displayText?: string
  quickReply?: { items: { type: string; action: LineAction }[] }
  [more: string]: unknown
}
