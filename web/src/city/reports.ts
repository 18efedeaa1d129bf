// The public's reports on the map: clusters that are counted, single ones by whether they go on, the cell of a chosen one.
import type { Feature, FeatureCollection, Point, Polygon } from 'geojson'
import type { GeoJSONSource, Map as MapLibreMap } from 'maplibre-gl'
import type { IncidentState, Names } from '../shared/types'

export type Report = {
  number: string
  category: string
  category_th: string
  category_en: string
  state: IncidentState
  agency_th: string | null
  agency_en: string | null
  opened_at: string
  report_count: number
  place_th: string
  place_en: string
  is_coarse: boolean
  cell_degrees: number
}
export type Reports = FeatureCollection<Point, Report> & { links: { rel: string; href: string }[] }
type Label = { '@language': 'th' | 'en'; '@value': string }
export type About = { 'skos:hasTopConcept': { 'skos:notation': string; 'skos:prefLabel': Label[] }[] }

export const OPEN: readonly IncidentState[] = ['new', 'accepted', 'in_progress', 'reopened', 'sent_on']
export const ENDED: readonly IncidentState[] = ['done', 'closed', 'rejected']
export const isOpen = (report: Report) => OPEN.includes(report.state)

export function categoriesOf(about: About): { code: string; name: Names }[] {
  return about['skos:hasTopConcept'].map((one) => {
    const said = (language: 'th' | 'en') => one['skos:prefLabel'].find((label) => label['@language'] === language)?.['@value'] ?? ''
    return { code: one['skos:notation'], name: { th: said('th'), en: said('en') } }
  })
}

const BOLD = ['Sarabun Bold', 'Garuda', 'Noto Sans Thai', 'sans-serif']
const OPEN_COLOUR = '#0b63c4'
const ENDED_COLOUR = '#1f8a70'
const nothing: FeatureCollection = { type: 'FeatureCollection', features: [] }
const MOST_OF_A_CLUSTER = 500

/** The layers are on the map; `onchosen` hears which numbers lie where somebody pressed. */
export function addReports(map: MapLibreMap, onchosen: (numbers: string[]) => void): void {
  map.addSource('reports', { type: 'geojson', data: nothing, cluster: true, clusterRadius: 44, clusterMaxZoom: 17 })
  map.addSource('report-cell', { type: 'geojson', data: nothing })
  map.addLayer({ id: 'report-cell', type: 'line', source: 'report-cell', paint: { 'line-color': OPEN_COLOUR, 'line-width': 2.5, 'line-dasharray': [2, 1.5] } })
  map.addLayer({
    id: 'reports', type: 'circle', source: 'reports',
    paint: {
      'circle-radius': ['case', ['has', 'point_count'], ['step', ['get', 'point_count'], 17, 10, 21, 100, 26], 13],
      'circle-color': ['case', ['has', 'point_count'], OPEN_COLOUR, ['get', 'is_open'], OPEN_COLOUR, ENDED_COLOUR],
      'circle-stroke-color': '#ffffff', 'circle-stroke-width': 2.5,
    },
  })
  // Never by colour alone: how many lie there, one that goes on, one that has ended.
  map.addLayer({
    id: 'reports-sign', type: 'symbol', source: 'reports',
    layout: {
      'text-field': ['case', ['has', 'point_count'], ['to-string', ['get', 'point_count_abbreviated']], ['get', 'is_open'], '!', '✓'],
      'text-font': BOLD, 'text-size': 14, 'text-allow-overlap': true, 'text-ignore-placement': true,
    },
    paint: { 'text-color': '#ffffff' },
  })
  map.on('click', 'reports', (event) => void choose(map, event.features?.[0], onchosen))
  for (const [name, cursor] of [['mouseenter', 'pointer'], ['mouseleave', '']] as const)
    map.on(name, 'reports', () => (map.getCanvas().style.cursor = cursor))
}

async function choose(map: MapLibreMap, found: Feature | undefined, onchosen: (numbers: string[]) => void): Promise<void> {
  const cluster = found?.properties?.cluster_id as number | undefined
  if (cluster === undefined) return onchosen(found ? [String(found.properties?.number)] : [])
  const leaves = await (map.getSource('reports') as GeoJSONSource).getClusterLeaves(cluster, MOST_OF_A_CLUSTER, 0)
  map.easeTo({ center: (found!.geometry as Point).coordinates as [number, number], zoom: Math.min(map.getZoom() + 2, 17) })
  onchosen(leaves.map((leaf) => String(leaf.properties?.number)))
}

export function drawReports(map: MapLibreMap, reports: Reports | null): void {
  const features = (reports?.features ?? []).map((one) => ({ ...one, properties: { number: one.properties.number, is_open: isOpen(one.properties) } }))
  ;(map.getSource('reports') as GeoJSONSource).setData({ type: 'FeatureCollection', features })
}

/** The square somewhere in which it is: the point is only its middle. */
export function drawCell(map: MapLibreMap, chosen: Feature<Point, Report> | null): void {
  const source = map.getSource('report-cell') as GeoJSONSource
  if (!chosen) {
    source.setData(nothing)
    return
  }
  const [lon, lat] = chosen.geometry.coordinates as [number, number]
  const half = chosen.properties.cell_degrees / 2
  const ring = [[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]].map(([x, y]) => [lon + x! * half, lat + y! * half])
  const cell: Polygon = { type: 'Polygon', coordinates: [ring] }
  source.setData({ type: 'Feature', geometry: cell, properties: {} })
  map.easeTo({ center: [lon, lat], zoom: Math.max(map.getZoom(), 14) })
}
