// What lies on the officer's desk: the resources of all panels, which panel is open and what is picked in it.
import { get } from '../shared/api'
import { clock } from '../shared/clock.svelte'
import type { Feed } from '../shared/feed'
import { Beat, live, Resource } from '../shared/live.svelte'
import type { RefusedGroups } from '../shared/refusedRows'
import { session } from '../shared/session.svelte'
import { circle } from '../shared/map/circle'
import { crewFeatures, gaugeFeatures, gaugeRank, healthRank, routeFeatures } from '../shared/map/sources'
import type { Switch } from '../shared/map/style'
import type {
  Alert, AreaFacts, Camera, City, Crew, Flood, Found, Gauge, History, IncidentDetail, IncidentNote, IncidentPromise, IncidentRedaction, Job, LonLat, Overview, Points, Shapes,
  Suggestion, Zone,
} from '../shared/types'

export const MODES = ['alerts', 'water', 'incidents', 'jobs', 'cameras', 'overview', 'questions', 'office'] as const
export type Mode = (typeof MODES)[number]
type Focus = { places: [number, number][]; key: string }

const LEVEL_NEWS = ['sensors.']
const FLOOD_NEWS = ['flood.']
const ALERT_NEWS = ['alerts.', 'line.']
const INCIDENT_NEWS = ['incidents.', 'dispatch.']
const READERS = ['officer', 'approver', 'dispatcher', 'admin'] as const

/** Danger first; an all-clear (level 0) waits behind every warning. */
const byDanger = (a: Alert, b: Alert) => b.level - a.level || a.proposed_at.localeCompare(b.proposed_at)

class Desk {
  mode = $state<Mode>('alerts')
  picked = $state<{ alerts?: number; water?: number; incidents?: number; jobs?: number; cameras?: number; overview?: number; questions?: number; office?: number }>({})
  focus = $state.raw<Focus | null>(null)
  /** The question that stands over everything. It outlives the card it was asked on, which the water may withdraw. */
  asked = $state.raw<{ question: 'approve' | 'decline' | 'cancel'; alert: Alert } | null>(null)
  /** The rulebook lies open: of one gauge by its id, or of all. */
  rulesOf = $state<number | 'all' | null>(null)
  /** Whose exposure lies on the map: a zone by its id, the whole city, or what was drawn. */
  exposed = $state<number | 'city' | 'area' | null>(null)
  /** What the drawn area holds. */
  area = $state.raw<AreaFacts | null>(null)
  /** What a person has switched off on the map; roads under water and chances only when asked for. */
  hidden = $state.raw<Switch[]>(['wet-roads', 'chance'])
  /** A place that was searched for, with the radius that it is sure within. */
  found = $state.raw<Found | null>(null)
  /** What stands in the place of the gauges: where readings come from, or what could not be taken of them. */
  beside = $state<'feeds' | 'refused' | null>(null)
  isDetailOpen = $state(matchMedia('(width >= 760px)').matches)

  readonly city = new Resource<City>(() => '/city')
  readonly gauges = new Resource<Points<Gauge>>(() => '/gauges', LEVEL_NEWS)
  readonly feeds = new Resource<{ feeds: Feed[] }>(() => '/feeds', LEVEL_NEWS, 5000)
  readonly refused = new Resource<RefusedGroups>(() => (session.may('officer', 'admin') ? '/readings/refused/groups' : null), LEVEL_NEWS, 5000)
  readonly cameras = new Resource<Points<Camera>>(() => '/cameras', [...LEVEL_NEWS, 'cctv.'], 2000)
  readonly flood = new Resource<Flood>(() => '/flood/current', FLOOD_NEWS)
  readonly zones = new Resource<Shapes<Zone>>(() => '/zones', FLOOD_NEWS)
  readonly alerts = new Resource<{ alerts: Alert[] }>(() => '/alerts', ALERT_NEWS)
  /** When the map's incidents are to be looked for again. */
  readonly incidentsSeen = new Beat(INCIDENT_NEWS)
  readonly jobs = new Resource<{ jobs: Job[] }>(() => '/jobs', INCIDENT_NEWS)
  readonly crews = new Resource<Points<Crew>>(() => '/crews', ['dispatch.'])
  readonly overview = new Resource<Overview>(() => '/overview', [...ALERT_NEWS, ...INCIDENT_NEWS, ...LEVEL_NEWS], 4000)
  readonly readings = new Resource<History>(
    () => (this.gauge ? `/gauges/${this.gauge.id}/readings?hours=12` : null),
    LEVEL_NEWS,
    3000,
  )
  readonly suggestions = new Resource<{ job_id: number; suggestions: Suggestion[] }>(
    () => (this.picked.jobs ? `/jobs/${this.picked.jobs}/suggestions` : null),
    ['dispatch.', 'flood.'],
  )
  readonly incidentDetail = new Resource<IncidentDetail>(
    () => (this.picked.incidents ? `/incidents/${this.picked.incidents}` : null),
    INCIDENT_NEWS,
  )
  readonly incidentPromise = new Resource<IncidentPromise>(
    () => (this.picked.incidents ? `/incidents/${this.picked.incidents}/promise` : null),
    INCIDENT_NEWS,
  )

  readonly incidentNotes = new Resource<{ notes: IncidentNote[] }>(
    () => (this.picked.incidents && session.may(...READERS) ? `/incidents/${this.picked.incidents}/notes` : null),
    INCIDENT_NEWS,
  )
  readonly incidentRedaction = new Resource<IncidentRedaction>(
    () => (this.picked.incidents && session.may(...READERS) ? `/incidents/${this.picked.incidents}/redaction` : null),
    INCIDENT_NEWS,
  )

  readonly gaugeList = $derived(
    (this.gauges.data?.features ?? [])
      .map((feature) => feature.properties)
      .sort((a, b) => gaugeRank(b) - gaugeRank(a) || this.overBank(b) - this.overBank(a) || a.code.localeCompare(b.code)),
  )
  /** The worst heard first: lost, not believed, late, then those that can be believed by their danger. */
  readonly gaugesByHealth = $derived(this.gaugeList.toSorted((a, b) => healthRank(a) - healthRank(b)))
  /** The gauge of the time strip: the picked one, or else the most dangerous. */
  readonly gauge = $derived(this.gaugeList.find((gauge) => gauge.id === this.picked.water) ?? this.gaugeList[0] ?? null)
  readonly proposals = $derived((this.alerts.data?.alerts ?? []).filter((alert) => alert.state === 'proposed').sort(byDanger))
  readonly running = $derived(
    (this.alerts.data?.alerts ?? []).filter((alert) => ['approved', 'sending', 'active', 'expired'].includes(alert.state)).sort(byDanger),
  )
  readonly drafts = $derived((this.alerts.data?.alerts ?? []).filter((alert) => alert.state === 'draft'))
  readonly over = $derived(
    (this.alerts.data?.alerts ?? []).filter((alert) => ['updated', 'cancelled', 'ended', 'declined', 'withdrawn'].includes(alert.state)),
  )
  readonly alert = $derived(
    (this.alerts.data?.alerts ?? []).find((alert) => alert.id === this.picked.alerts) ?? this.proposals[0] ?? this.running[0] ?? null,
  )
  readonly liveJobs = $derived(
    (this.jobs.data?.jobs ?? []).filter((job) => !['done', 'failed', 'cancelled'].includes(job.state)),
  )
  readonly job = $derived((this.jobs.data?.jobs ?? []).find((job) => job.id === this.picked.jobs) ?? null)
  readonly cameraList = $derived((this.cameras.data?.features ?? []).map((feature) => feature.properties))
  readonly camera = $derived(this.cameraList.find((camera) => camera.id === this.picked.cameras) ?? null)
  readonly isSimulated = $derived(
    Boolean(this.city.data?.is_simulated || this.city.data?.simulated_layers.length || this.overview.data?.is_simulated),
  )

  readonly gaugesOnMap = $derived(this.gauges.data && gaugeFeatures(this.gauges.data))
  readonly routesOnMap = $derived(this.jobs.data && routeFeatures(this.jobs.data.jobs))
  readonly crewsOnMap = $derived(this.crews.data && crewFeatures(this.crews.data))

  private overBank(gauge: Gauge): number {
    return (gauge.level_m_msl ?? -1e6) - (gauge.bank_m_msl ?? 0)
  }

  open(): () => void {
    void this.city.load().then(() => this.city.data && clock.set(this.city.data.clock))
    return live.keep<unknown>(
      this.city, this.gauges, this.feeds, this.refused, this.cameras, this.flood, this.zones, this.alerts, this.incidentsSeen, this.jobs, this.crews,
      this.overview, this.readings, this.suggestions, this.incidentDetail, this.incidentPromise, this.incidentNotes,
      this.incidentRedaction,
    )
  }

  show(mode: Mode): void {
    this.exposed = null
    this.beside = null
    this.mode = mode
    this.isDetailOpen = matchMedia('(width >= 760px)').matches
  }

  /** `place` is where it lies, for what no list of the desk knows. */
  pick(mode: Mode, id: number | undefined, place?: LonLat): void {
    this.exposed = null
    this.beside = null
    this.mode = mode
    this.isDetailOpen = true
    this.picked = { ...this.picked, [mode]: id }
    if (mode === 'incidents') {
      this.incidentDetail.clear()
      this.incidentPromise.clear()
      this.incidentNotes.clear()
      this.incidentRedaction.clear()
    }
    if (mode === 'jobs') this.suggestions.clear()
    if (mode === 'water') this.readings.clear()
    if (id !== undefined) this.look(mode, id, place)
  }

  /** Who and what stands in the water of a zone, the city or the drawn area lies on the map. */
  expose(what: number | 'city' | 'area'): void {
    this.exposed = what
    this.isDetailOpen = true
  }

  /** The layer is on where it was off; depth and chance colour the same water, so that one of them puts the other off. */
  switchLayer(name: Switch): void {
    const other: Switch | null = name === 'depth' ? 'chance' : name === 'chance' ? 'depth' : null
    if (!this.hidden.includes(name)) this.hidden = [...this.hidden, name]
    else this.hidden = [...this.hidden.filter((one) => one !== name && one !== other), ...(other ? [other] : [])]
  }

  /** The map flies to a place of the gazetteer, wide enough for its whole radius. */
  goToFound(found: Found): void {
    this.found = found
    this.focus = { places: circle(found).coordinates[0] as [number, number][], key: `found ${performance.now()}` }
  }

  /** The spot lies in the city's box; everywhere does until the box is known. */
  isInCity(lon: number, lat: number): boolean {
    const [west, south, east, north] = this.city.data?.bbox ?? [-180, -90, 180, 90]
    return lon >= west && lon <= east && lat >= south && lat <= north
  }

  /** The whole city lies on the map, and what was searched for is gone from it. */
  goToCity(): void {
    this.found = null
    if (!this.city.data) return
    const [west, south, east, north] = this.city.data.bbox
    this.focus = { places: [[west, south], [east, north]], key: `city ${performance.now()}` }
  }

  /** Shows on the map what waits for a decision, without covering the list of a small screen. */
  beginWith(alert: Alert): void {
    this.look('alerts', alert.id)
  }

  /** Moves the map to what was picked. */
  private look(mode: Mode, id: number, place?: LonLat): void {
    const key = `${mode} ${id} ${performance.now()}`
    const goTo = (place: LonLat | undefined) => place && (this.focus = { places: [[place.lon, place.lat]], key })
    const pointOf = (points: Points<{ id: number }> | null) => {
      const [lon, lat] = points?.features.find((feature) => feature.properties.id === id)?.geometry.coordinates ?? []
      return lon === undefined || lat === undefined ? undefined : { lon, lat }
    }
    if (mode === 'water') goTo(pointOf(this.gauges.data))
    if (mode === 'cameras') goTo(pointOf(this.cameras.data))
    if (mode === 'incidents' && place) goTo(place)
    else if (mode === 'incidents') void this.incidentDetail.load().then(() => this.incidentDetail.data?.id === id && goTo(this.incidentDetail.data.place))
    if (mode === 'jobs') this.lookAtJob(key)
    if (mode === 'alerts') void this.lookAtAlert(id, key)
  }

  private lookAtJob(key: string): void {
    if (!this.job) return
    const way = (this.job.route?.coordinates ?? []) as [number, number][]
    this.focus = { places: [...way, [this.job.place.lon, this.job.place.lat]], key }
  }

  private async lookAtAlert(id: number, key: string): Promise<void> {
    const area = await get<Shapes<unknown>>(`/alerts/${id}/area`).catch(() => null)
    const places = (area?.features ?? []).flatMap((feature) => corners(feature.geometry as { coordinates: unknown }))
    if (places.length) this.focus = { places, key }
  }

  readonly pickedPlace = $derived.by<LonLat | null>(() => {
    const points = this.mode === 'water' ? this.gauges.data : this.mode === 'cameras' ? this.cameras.data : null
    const id = this.mode === 'water' ? this.gauge?.id : this.picked.cameras
    const spot = points?.features.find((feature) => feature.properties.id === id)?.geometry.coordinates
    if (spot) return { lon: spot[0] ?? 0, lat: spot[1] ?? 0 }
    if (this.mode === 'jobs') return this.job?.place ?? null
    if (this.mode !== 'incidents') return null
    return this.incidentDetail.data?.place ?? null
  })
}

function corners(geometry: { coordinates: unknown }): [number, number][] {
  const found: [number, number][] = []
  const walk = (part: unknown): void => {
    if (!Array.isArray(part)) return
    if (typeof part[0] === 'number') found.push([part[0], part[1] as number])
    else part.forEach(walk)
  }
  walk(geometry.coordinates)
  return found
}

export const desk = new Desk()
