// Which moment the map shows: now, a picture of the past, or an hour to come. Alerts are never asked of it.
import { get } from '../shared/api'
import { duration, number, timeOf } from '../shared/format'
import { Resource } from '../shared/live.svelte'
import { gaugeFeatures, gaugesAt, zoneFeatures } from '../shared/map/sources'
import type { Flood, Run, Shapes, Zone } from '../shared/types'
import { t } from '../shared/words.svelte'
import { desk } from './desk.svelte'

type Picture = { flood: Flood; zones: Shapes<Zone> }
const KEPT = 16
const SAME_HOUR_MS = 30 * 60_000

const at_ms = (run: Run) => new Date(run.valid_at).getTime()

class Moment {
  readonly runs = new Resource<{ runs: Run[] }>(() => '/flood/runs?limit=200', ['flood.'], 5000)
  /** Null is now. A chosen picture stays chosen, however many newer ones arrive. */
  chosen = $state.raw<Run | null>(null)
  hasFailed = $state(false)
  private picture = $state.raw<{ run_id: number; of: Picture } | null>(null)
  private readonly kept = new Map<number, Picture>()

  readonly now = $derived((this.runs.data?.runs ?? []).find((run) => run.horizon_min === 0) ?? null)
  /** Every picture that can be chosen, in the order of the moments that they are of. */
  readonly stops = $derived.by<Run[]>(() => {
    const { now, chosen } = this
    if (!now) return []
    const stops = (this.runs.data?.runs ?? []).filter((run) => run.horizon_min === 0 || at_ms(run) > at_ms(now))
    if (chosen && !stops.some((run) => run.run_id === chosen.run_id)) stops.push(chosen)
    return stops.sort((a, b) => at_ms(a) - at_ms(b) || a.run_id - b.run_id)
  })
  private readonly shown = $derived(this.chosen && this.picture?.run_id === this.chosen.run_id ? this.picture.of : null)
  readonly isLoading = $derived(this.chosen !== null && this.shown === null && !this.hasFailed)
  readonly flood = $derived(this.chosen ? (this.shown?.flood ?? null) : desk.flood.data)
  readonly zones = $derived(this.chosen ? (this.shown?.zones ?? null) : desk.zones.data)
  readonly zonesOnMap = $derived(this.zones && zoneFeatures(this.zones))
  /** The gauges at the levels that the chosen picture was drawn from. */
  readonly gaugesOnMap = $derived(
    desk.gauges.data && this.shown ? gaugeFeatures(gaugesAt(desk.gauges.data, this.shown.flood.levels ?? [])) : null,
  )
  /** An older picture: its outlines and zones are there, the depth of every spot is not. */
  readonly lacksDepths = $derived(this.shown !== null && this.shown.flood.method !== 'no-data' && this.shown.flood.has_depths === false)
  /** The newest forecast of about the same moment, where the chosen one is of an earlier making; else null. */
  readonly newer = $derived.by<Run | null>(() => {
    const { chosen, now } = this
    if (!chosen || !now || chosen.horizon_min === 0) return null
    const isNewer = (run: Run) =>
      run.horizon_min > 0 && run.run_id > chosen.run_id && Math.abs(at_ms(run) - at_ms(chosen)) <= SAME_HOUR_MS
    const newest = Math.max(...(this.runs.data?.runs ?? []).filter(isNewer).map((run) => run.basis_run_id ?? 0))
    const away = (run: Run) => Math.abs(at_ms(run) - at_ms(chosen))
    const [nearest] = (this.runs.data?.runs ?? []).filter((run) => isNewer(run) && run.basis_run_id === newest).sort((a, b) => away(a) - away(b))
    return nearest ?? (at_ms(chosen) <= at_ms(now) ? now : null)
  })
  /** The picture on the map, for questions to the API; null before the first. */
  readonly run_id = $derived(this.chosen?.run_id ?? desk.flood.data?.run_id ?? null)

  async choose(run: Run | null): Promise<void> {
    this.chosen = run && run.run_id !== this.now?.run_id ? run : null
    this.hasFailed = false
    const run_id = this.chosen?.run_id
    if (run_id === undefined) return
    try {
      const of = this.kept.get(run_id) ?? (await load(run_id))
      this.kept.set(run_id, of)
      for (const old of this.kept.keys()) if (this.kept.size > KEPT) this.kept.delete(old)
      if (this.chosen?.run_id === run_id) this.picture = { run_id, of }
    } catch {
      if (this.chosen?.run_id === run_id) this.hasFailed = true
    }
  }

  /** To the next (1) or the last (-1) picture. */
  step(by: 1 | -1): void {
    const at = this.stops.findIndex((run) => run.run_id === (this.chosen ?? this.now)?.run_id)
    const next = this.stops[at + by]
    if (next) void this.choose(next)
  }

  /** What is chosen, in words: now, so long ago, or a forecast with how sure it is. */
  words(run: Run | null): string {
    const { now } = this
    if (!run || !now || run.run_id === now.run_id) return t('moment-now', { time: timeOf(now?.valid_at) })
    const away_s = (at_ms(run) - at_ms(now)) / 1000
    const slots = { duration: duration(away_s), time: timeOf(run.valid_at), percent: number(run.confidence * 100) }
    return t(run.horizon_min > 0 ? 'moment-ahead' : 'moment-past', slots)
  }
}

async function load(run_id: number): Promise<Picture> {
  const [flood, zones] = await Promise.all([
    get<Flood>(`/flood/runs/${run_id}`),
    get<Shapes<Zone>>(`/flood/runs/${run_id}/zones`),
  ])
  return { flood, zones }
}

export const moment = new Moment()
