// How much is reported where: cells of a grid, coloured by how many reports lie in them, with the number in each.
import type { Feature, FeatureCollection, Polygon } from 'geojson'
import type { ExpressionSpecification, GeoJSONSource, Map as MapLibreMap } from 'maplibre-gl'
import type { Theme } from '../shared/theme.svelte'

export type Cell = {
  count: number
  open: number
  place_th: string | null
  place_en: string | null
  category_th: string
  category_en: string
}
export type Cells = FeatureCollection<Polygon, Cell> & { cell_degrees: number }
export type CellFeature = Feature<Polygon, Cell>

// From light to dark by day, from dark to light by night: told apart by lightness alone, whatever colours one sees.
// By day ColorBrewer's YlOrBr (C. Brewer, colorbrewer2.org), which it marks as safe for the colour-blind.
const COLOURS: Record<Theme, readonly string[]> = {
  day: ['#fff0a8', '#fec44f', '#f07f1c', '#b84a05', '#6f2504'],
  night: ['#4a2a14', '#84430f', '#c26a17', '#f0a93f', '#ffe9b0'],
}
const INKS: Record<Theme, readonly string[]> = {
  day: ['#0f1b2d', '#0f1b2d', '#0f1b2d', '#ffffff', '#ffffff'],
  night: ['#ffffff', '#ffffff', '#0f1b2d', '#0f1b2d', '#0f1b2d'],
}
const EDGE: Record<Theme, string> = { day: '#5c3a1a', night: '#0d1624' }
const CHOSEN: Record<Theme, string> = { day: '#0b63c4', night: '#7db9f2' }
const ROUND = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000]
const BOLD = ['Sarabun Bold', 'Garuda', 'Noto Sans Thai', 'sans-serif']
const nothing: FeatureCollection = { type: 'FeatureCollection', features: [] }

export type Step = { from: number; to: number | null; colour: string; ink: string }

/** Up to five steps from 1 to the greatest number, with round numbers between. */
export function stepsOf(cells: Cells | null, theme: Theme): Step[] {
  const most = Math.max(1, ...(cells?.features ?? []).map((one) => one.properties.count))
  const reached = ROUND.filter((one) => one <= most)
  const begins = reached.length <= 5 ? reached : [1, ...reached.slice(-4)]
  return begins.map((from, index) => {
    const place = begins.length === 1 ? 2 : Math.round((index * 4) / (begins.length - 1))
    return { from, to: begins[index + 1] === undefined ? null : begins[index + 1]! - 1, colour: COLOURS[theme][place]!, ink: INKS[theme][place]! }
  })
}

const byStep = (steps: readonly Step[], of: (step: Step) => string): ExpressionSpecification | string =>
  steps.length === 1 ? of(steps[0]!) : ['step', ['get', 'count'], of(steps[0]!), ...steps.slice(1).flatMap((step) => [step.from, of(step)])] as unknown as ExpressionSpecification

/** The layers are on the map; `onchosen` hears which cell was pressed. */
export function addCells(map: MapLibreMap, onchosen: (id: string) => void): void {
  map.addSource('cells', { type: 'geojson', data: nothing })
  const below = map.getLayer('area-label') ? 'area-label' : undefined
  map.addLayer({ id: 'cells', type: 'fill', source: 'cells', paint: { 'fill-opacity': 0.8 } }, below)
  map.addLayer({ id: 'cells-edge', type: 'line', source: 'cells', paint: { 'line-width': 1, 'line-opacity': 0.55 } }, below)
  map.addLayer({ id: 'cells-chosen', type: 'line', source: 'cells', filter: ['==', ['get', 'id'], ''], paint: { 'line-width': 4 } })
  map.addLayer({
    id: 'cells-count', type: 'symbol', source: 'cells', minzoom: 11,
    layout: {
      'text-field': ['to-string', ['get', 'count']], 'text-font': BOLD, 'text-size': ['interpolate', ['linear'], ['zoom'], 11, 10, 13, 15],
      'text-allow-overlap': true, 'text-padding': 0,
    },
  })
  map.on('click', 'cells', (event) => onchosen(String(event.features?.[0]?.properties.id)))
  for (const [name, cursor] of [['mouseenter', 'pointer'], ['mouseleave', '']] as const)
    map.on(name, 'cells', () => (map.getCanvas().style.cursor = cursor))
}

export function drawCells(map: MapLibreMap, cells: Cells | null): void {
  const features = (cells?.features ?? []).map((one) => ({ ...one, properties: { id: one.id, count: one.properties.count } }))
  ;(map.getSource('cells') as GeoJSONSource).setData({ type: 'FeatureCollection', features })
}

export function paintCells(map: MapLibreMap, steps: readonly Step[], theme: Theme): void {
  map.setPaintProperty('cells', 'fill-color', byStep(steps, (step) => step.colour))
  map.setPaintProperty('cells-edge', 'line-color', EDGE[theme])
  map.setPaintProperty('cells-chosen', 'line-color', CHOSEN[theme])
  map.setPaintProperty('cells-count', 'text-color', byStep(steps, (step) => step.ink))
}

export function markCell(map: MapLibreMap, chosen: CellFeature | null): void {
  map.setFilter('cells-chosen', ['==', ['get', 'id'], chosen ? String(chosen.id) : ''])
  const [southWest, , northEast] = chosen?.geometry.coordinates[0] ?? []
  if (southWest && northEast) map.fitBounds([southWest[0]!, southWest[1]!, northEast[0]!, northEast[1]!], { padding: 90, maxZoom: 14.5 })
}

/** West, south, east, north. */
export function boxOf(cell: CellFeature): string {
  const [southWest, , northEast] = cell.geometry.coordinates[0]!
  return [...southWest!, ...northEast!].join(',')
}
