// Crews move to their new places within a second instead of jumping.
import type { Feature, FeatureCollection, Point } from 'geojson'
import type { GeoJSONSource } from 'maplibre-gl'

const LASTS_MS = 1000
const FRAME_MS = 50
const running = new WeakMap<GeoJSONSource, number>()

const keyOf = (feature: Feature) => String(feature.properties?.code ?? feature.id)

export function glide(source: GeoJSONSource, from: FeatureCollection | null | undefined, to: FeatureCollection): void {
  clearInterval(running.get(source))
  const starts = new Map((from?.features ?? []).map((feature) => [keyOf(feature), (feature.geometry as Point).coordinates]))
  const hasMoved = to.features.some((feature) => {
    const start = starts.get(keyOf(feature))
    const end = (feature.geometry as Point).coordinates
    return start && (start[0] !== end[0] || start[1] !== end[1])
  })
  if (!hasMoved) {
    source.setData(to)
    return
  }
  const began_ms = performance.now()
  const timer = setInterval(() => {
    const share = Math.min(1, (performance.now() - began_ms) / LASTS_MS)
    source.setData({ ...to, features: to.features.map((feature) => between(feature, starts.get(keyOf(feature)), share)) })
    if (share === 1) clearInterval(timer)
  }, FRAME_MS)
  running.set(source, timer as unknown as number)
}

function between(feature: Feature, start: number[] | undefined, share: number): Feature {
  if (!start) return feature
  const [lon, lat] = (feature.geometry as Point).coordinates as [number, number]
  const [lon0, lat0] = start as [number, number]
  const coordinates = [lon0 + (lon - lon0) * share, lat0 + (lat - lat0) * share]
  return { ...feature, geometry: { type: 'Point', coordinates } }
}
