// A place with the radius that it is sure within, as a polygon for the map.
import type { Polygon } from 'geojson'
import type { LonLat } from '../types'

const METRES_PER_DEGREE = 111_320
const CORNERS = 48

export function circle({ lon, lat, radius_m }: LonLat & { radius_m: number }): Polygon {
  const up = radius_m / METRES_PER_DEGREE
  const across = up / Math.cos((lat * Math.PI) / 180)
  const corners = Array.from({ length: CORNERS + 1 }, (_, n) => {
    const turn = ((n % CORNERS) / CORNERS) * 2 * Math.PI
    return [lon + across * Math.cos(turn), lat + up * Math.sin(turn)]
  })
  return { type: 'Polygon', coordinates: [corners] }
}
