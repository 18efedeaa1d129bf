// On which side of its mark a gauge's label stands: where it is not cut off by the map's edge or by a card over it.
import type { FeatureCollection, Position } from 'geojson'

/** Room that the longest usual label takes. */
const LABEL_PX = 210

/** Each point with `side`: left where the label has no room to the right of it and more to the left. */
export function sided(points: FeatureCollection, xOf: (place: [number, number]) => number, right_px: number): FeatureCollection {
  return {
    ...points,
    features: points.features.map((feature) => {
      if (feature.geometry.type !== 'Point') return feature
      const side = sideAt(xOf(lonLat(feature.geometry.coordinates)), right_px)
      return { ...feature, properties: { ...feature.properties, side } }
    }),
  }
}

const lonLat = (place: Position): [number, number] => [place[0] ?? 0, place[1] ?? 0]

export function sideAt(x_px: number, right_px: number): 'left' | 'right' {
  const room_px = right_px - x_px
  return room_px < LABEL_PX && x_px > room_px ? 'left' : 'right'
}
