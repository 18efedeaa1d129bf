// From what the API answers to what the map draws: each feature gets its mark, rank and label.
import type { FeatureCollection, LineString, Point, Polygon } from 'geojson'
import { height, metres } from '../format'
import { ownName } from '../station'
import type { Crew, DrawnLevel, Gauge, GaugeCondition, Job, LevelState, Points, Shapes, Zone } from '../types'
import { named, t } from '../words.svelte'

/** A gauge's danger for sorting: a silent one comes after watch, for it may hide anything. */
export function gaugeRank(gauge: Gauge): number {
  return markOf(gauge) ?? 0.5
}

/** The level that a gauge's mark shows: none where it is silent or not believed, whatever it said last. */
export const markOf = (gauge: Gauge) => (gauge.state === null || gauge.is_stale || gauge.condition !== 'ok' ? null : gauge.state)

const BY_HEALTH: readonly GaugeCondition[] = ['lost', 'untrusted', 'late', 'unknown', 'ok']
/** For lists by health: of the lost nothing is known, the untrusted are in doubt, the late may still come. */
export const healthRank = (gauge: Gauge) => BY_HEALTH.indexOf(gauge.condition)
export const isSilent = (gauge: Gauge) => gauge.condition === 'late' || gauge.condition === 'lost'

export function trendLabel(trend_m_per_h: number | null): string {
  if (trend_m_per_h === null) return ''
  if (Math.abs(trend_m_per_h) < 0.02) return t('trend-steady')
  const size = height(trend_m_per_h)
  return t(trend_m_per_h > 0 ? 'trend-rising' : 'trend-falling', { size })
}

export function gaugeFeatures(gauges: Points<Gauge>): FeatureCollection<Point> {
  return {
    type: 'FeatureCollection',
    features: gauges.features.map((feature) => {
      const gauge = feature.properties
      const arrow = (gauge.trend_m_per_h ?? 0) >= 0.02 ? ' ▲' : (gauge.trend_m_per_h ?? 0) <= -0.02 ? ' ▼' : ''
      return {
        ...feature,
        properties: {
          id: gauge.id,
          code: gauge.code,
          label: ownName(named(gauge.name)) || named(gauge.name),
          state: gauge.state,
          is_stale: gauge.is_stale,
          mark: String(markOf(gauge) ?? (gauge.condition === 'unknown' || gauge.condition === 'ok' ? 'silent' : gauge.condition)),
          rank: gaugeRank(gauge),
          has_camera: gauge.camera_id !== null,
          level_label: metres(gauge.level_m_msl) + arrow,
        },
      }
    }),
  }
}

/** The line beyond which nothing is known of the water, and the words for it in the middle of each of its four sides. */
export function groundFeatures(ground: Polygon | null | undefined): FeatureCollection<Polygon | Point> {
  const ring = ground?.coordinates[0]?.slice(1) ?? []
  const middles = [0.125, 0.375, 0.625, 0.875].map((share) => ring[Math.floor(share * ring.length) - 1]).filter((place) => place !== undefined)
  return {
    type: 'FeatureCollection',
    features: !ground ? [] : [
      { type: 'Feature', geometry: ground, properties: {} },
      ...middles.map((coordinates) => ({
        type: 'Feature' as const, geometry: { type: 'Point' as const, coordinates }, properties: { label: t('ground-ends') },
      })),
    ],
  }
}

/** The gauges as they stood, or are expected to stand, in a picture of another moment; silent where it had no level. */
export function gaugesAt(gauges: Points<Gauge>, levels: DrawnLevel[]): Points<Gauge> {
  const drawn = new Map(levels.filter((level) => !level.is_stale && !level.doubt).map((level) => [level.code, level.level_m_msl]))
  return {
    ...gauges,
    features: gauges.features.map((feature) => {
      const gauge = feature.properties
      const level_m_msl = drawn.get(gauge.code) ?? null
      const state = level_m_msl === null ? null : stateAt(gauge, level_m_msl)
      return { ...feature, properties: { ...gauge, level_m_msl, state, is_stale: level_m_msl === null, trend_m_per_h: null, condition: level_m_msl === null ? 'unknown' : 'ok' } }
    }),
  }
}

function stateAt(gauge: Gauge, level_m_msl: number): LevelState {
  const { watch, warning, danger } = gauge.thresholds
  if (danger !== null && level_m_msl >= danger) return 3
  if (warning !== null && level_m_msl >= warning) return 2
  return watch !== null && level_m_msl >= watch ? 1 : 0
}

function zoneLabel(zone: Zone): string {
  if (!zone.severity) return ''
  const level = `${zone.severity} ${t(`level-${zone.severity}`)}`
  return zone.is_falling ? `${level} · ${t('falling')} ▼` : level
}

export function zoneFeatures(zones: Shapes<Zone>): FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: zones.features.map((feature) => ({
      ...feature,
      properties: {
        ...feature.properties,
        level_label: zoneLabel(feature.properties),
      },
    })),
  }
}

export function routeFeatures(jobs: readonly Job[]): FeatureCollection<LineString> {
  return {
    type: 'FeatureCollection',
    features: jobs
      .filter((job) => job.route && ['assigned', 'accepted', 'en_route'].includes(job.state))
      .map((job) => ({ type: 'Feature', id: job.id, geometry: job.route!, properties: { id: job.id } })),
  }
}

export const crewFeatures = (crews: Points<Crew>): FeatureCollection<Point> => ({
  type: 'FeatureCollection',
  features: crews.features.map((feature, index) => ({ ...feature, id: index + 1 })),
})
