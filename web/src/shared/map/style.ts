// The map's own style over the city's own tiles: a quiet desk on which water and danger stand out.
import type { ExpressionSpecification, LayerSpecification, StyleSpecification, SymbolLayerSpecification, VectorSourceSpecification } from 'maplibre-gl'
import type { Theme } from '../theme.svelte'
import type { Language } from '../words.svelte'
import { words } from '../words.svelte'
import { TIERS } from './marks'

export const DATA_SOURCES = ['ground', 'flood', 'zones', 'routes', 'cameras', 'incidents', 'crews', 'gauges', 'picked'] as const
export type DataSource = (typeof DATA_SOURCES)[number]

/** What a person switches on and off, and the layers of the style that it is made of. */
export const SWITCHES = {
  streets: ['road-casing', 'road', 'road-label'],
  waterways: ['waterway', 'waterway-label'],
  buildings: ['building'],
  facilities: ['facility', 'facility-label'],
  communities: ['area', 'area-label'],
  zones: ['zones', 'zones-picked', 'zones-label'],
  depth: ['flood', 'flood-outline'],
  chance: ['chance'],
  'wet-roads': ['wet-roads'],
} as const
export type Switch = keyof typeof SWITCHES

/** The tiles of one version of the base map never change; without a version they are asked for again. */
export const baseTiles = (version: string | undefined) => `${location.origin}/api/v1/tiles/${version ? `${version}/` : ''}{z}/{x}/{y}.mvt`
export const runTiles = (run_id: number) => `${location.origin}/api/v1/flood/runs/${run_id}/tiles/{z}/{x}/{y}.mvt`

/** How likely each spot of a picture is wet; nothing where it is dry for sure. */
export const chanceTiles = (run_id: number) =>
  `${location.origin}/api/v1/rasters/depth-${run_id}/tiles/WebMercatorQuad/{z}/{x}/{y}.png?bidx=3&rescale=0,1&colormap_name=chance`

/** Roads under water by how deep they lie: up to 20 cm, up to 50 cm, deeper. */
export const WET_ROAD_COLOURS = ['#8a5a00', '#a33a00', '#8c0f3f'] as const

/** The raster's colours grow darker with the chance; on the night's dark land they are turned round in lightness, not in hue. */
export const CHANCE_PAINT = {
  day: { 'raster-hue-rotate': 0, 'raster-brightness-min': 0, 'raster-brightness-max': 1 },
  night: { 'raster-hue-rotate': 180, 'raster-brightness-min': 1, 'raster-brightness-max': 0.15 },
} as const

const FONT = ['Sarabun', 'Garuda', 'Noto Sans Thai', 'sans-serif']
const BOLD = ['Sarabun Bold', 'Garuda', 'Noto Sans Thai', 'sans-serif']

const PALETTES = {
  day: {
    land: '#eef0ec', building: '#dfe2dd', road: '#ffffff', casing: '#d3d8d4', water: '#7fb3df', boundary: '#7a8796',
    area: '#b9c2cb', label: '#3d4a5c', waterLabel: '#1f5d96', halo: '#ffffff', facility: '#6a7787', floodOpacity: 0.62,
  },
  night: {
    land: '#111c2b', building: '#1b293b', road: '#2c3c52', casing: '#0d1624', water: '#2b5f92', boundary: '#64748b',
    area: '#31415a', label: '#b9c6d6', waterLabel: '#7db9f2', halo: '#0d1624', facility: '#8fa0b5', floodOpacity: 0.66,
  },
} as const

const byDepth = (one: string, two: string, three: string, four: string): ExpressionSpecification => [
  'match', ['get', 'depth_class'], 1, one, 2, two, 3, three, 4, four, one,
]
const bySeverity: ExpressionSpecification = [
  'match', ['get', 'severity'], 3, '#d7263d', 2, '#c56f00', 1, '#b58900', '#737d8a',
]
const byTier: ExpressionSpecification = ['match', ['get', 'worst_tier'], 1, TIERS[1], 2, TIERS[2], 3, TIERS[3], TIERS[4]]

/** Incidents as they are now: each by itself, or counted by cells where a tile holds too many. For officers. */
const incidentTiles = () => `${location.origin}/api/v1/incidents/tiles/{z}/{x}/{y}.mvt`
export const incidentSource = (): VectorSourceSpecification => ({ type: 'vector', tiles: [incidentTiles()], minzoom: 8, maxzoom: 18 })
const PIN_LAYOUT = {
  'icon-image': ['concat', 'pin-', ['to-string', ['get', 'tier']]], 'icon-anchor': 'bottom', 'symbol-sort-key': ['-', 0, ['get', 'tier']],
  'icon-size': ['interpolate', ['linear'], ['zoom'], 11, 0.6, 14, 0.95], 'icon-allow-overlap': true, 'icon-ignore-placement': true,
} satisfies SymbolLayerSpecification['layout']
const PIN_PAINT = { 'icon-opacity': ['case', ['get', 'is_fading'], 0.45, 1] } satisfies SymbolLayerSpecification['paint']
/** Open ones alone. A cell says how many of them it holds; its colour and the pin at its shoulder are those of the gravest. */
export const INCIDENT_LAYERS: readonly LayerSpecification[] = [
  { id: 'incident-cells', type: 'circle', source: 'open-incidents', 'source-layer': 'incident_cluster', filter: ['>', ['get', 'open'], 0],
    paint: { 'circle-radius': ['step', ['get', 'open'], 13, 10, 16, 100, 20, 1000, 25], 'circle-color': byTier, 'circle-stroke-color': '#fff', 'circle-stroke-width': 2.5 } },
  { id: 'incident-cells-count', type: 'symbol', source: 'open-incidents', 'source-layer': 'incident_cluster', filter: ['>', ['get', 'open'], 0],
    layout: { 'text-field': ['to-string', ['get', 'open']], 'text-font': BOLD, 'text-size': 13, 'text-allow-overlap': true, 'text-ignore-placement': true,
      'icon-image': ['concat', 'pin-', ['to-string', ['get', 'worst_tier']]], 'icon-size': 0.62, 'icon-offset': [26, -19], 'icon-allow-overlap': true, 'icon-ignore-placement': true },
    paint: { 'text-color': '#ffffff' } },
  { id: 'open-incidents', type: 'symbol', source: 'open-incidents', 'source-layer': 'incident', filter: ['get', 'is_open'], layout: PIN_LAYOUT, paint: PIN_PAINT },
]
const roadWidth = (extra: number): ExpressionSpecification => {
  const isMain: ExpressionSpecification = [
    'match', ['coalesce', ['get', 'class'], ''],
    ['motorway', 'trunk', 'primary', 'secondary', 'tertiary', 'motorway_link', 'trunk_link', 'primary_link', 'secondary_link'],
    true, false,
  ]
  return [
    'interpolate', ['exponential', 1.5], ['zoom'],
    11, ['case', isMain, 0.9 + extra * 0.5, 0.2],
    14, ['case', isMain, 3.2 + extra, 1.2 + extra],
    18, ['case', isMain, 18 + extra * 2, 9 + extra * 2],
  ]
}

function baseLayers(theme: Theme, language: Language): LayerSpecification[] {
  const p = PALETTES[theme]
  const other = language === 'th' ? 'en' : 'th'
  const own: ExpressionSpecification = ['coalesce', ['get', `name_${language}`], '']
  const name: ExpressionSpecification = ['case', ['!=', own, ''], own, ['coalesce', ['get', `name_${other}`], '']]
  const base = { source: 'base' }
  return [
    { id: 'background', type: 'background', paint: { 'background-color': p.land } },
    { id: 'area', type: 'line', ...base, 'source-layer': 'area', minzoom: 12,
      paint: { 'line-color': p.area, 'line-width': 0.8, 'line-dasharray': [3, 3] } },
    { id: 'building', type: 'fill', ...base, 'source-layer': 'building', minzoom: 13.5,
      paint: { 'fill-color': p.building } },
    { id: 'waterway', type: 'line', ...base, 'source-layer': 'waterway',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': p.water,
        'line-width': ['interpolate', ['exponential', 1.4], ['zoom'], 10, 1,
          14, ['match', ['coalesce', ['get', 'kind'], ''], ['river'], 5, ['canal'], 3.5, 2], 18, 12] } },
    { id: 'road-casing', type: 'line', ...base, 'source-layer': 'road', minzoom: 12.5,
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': p.casing, 'line-width': roadWidth(1.4) } },
    { id: 'road', type: 'line', ...base, 'source-layer': 'road',
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': p.road, 'line-width': roadWidth(0) } },
    { id: 'boundary', type: 'line', ...base, 'source-layer': 'boundary',
      paint: { 'line-color': p.boundary, 'line-width': 1.6, 'line-dasharray': [5, 2, 1, 2] } },
    { id: 'facility', type: 'circle', ...base, 'source-layer': 'facility', minzoom: 14,
      paint: { 'circle-radius': 3.2, 'circle-color': p.facility, 'circle-stroke-color': p.halo, 'circle-stroke-width': 1 } },
    { id: 'waterway-label', type: 'symbol', ...base, 'source-layer': 'waterway', minzoom: 13,
      layout: { 'symbol-placement': 'line', 'text-field': name, 'text-font': FONT, 'text-size': 13, 'symbol-spacing': 400 },
      paint: { 'text-color': p.waterLabel, 'text-halo-color': p.halo, 'text-halo-width': 1.4 } },
    { id: 'road-label', type: 'symbol', ...base, 'source-layer': 'road', minzoom: 14.5,
      layout: { 'symbol-placement': 'line', 'text-field': name, 'text-font': FONT, 'text-size': 12, 'symbol-spacing': 350 },
      paint: { 'text-color': p.label, 'text-halo-color': p.halo, 'text-halo-width': 1.4 } },
    { id: 'facility-label', type: 'symbol', ...base, 'source-layer': 'facility', minzoom: 15,
      layout: { 'text-field': name, 'text-font': FONT, 'text-size': 12, 'text-offset': [0, 0.7], 'text-anchor': 'top',
        'text-max-width': 9 },
      paint: { 'text-color': p.label, 'text-halo-color': p.halo, 'text-halo-width': 1.4 } },
  ]
}

/** Names of communities, over the flood so that they can be read in it. */
function areaLabel(theme: Theme, language: Language): LayerSpecification {
  const p = PALETTES[theme]
  return {
    id: 'area-label', type: 'symbol', source: 'base', 'source-layer': 'area', minzoom: 13,
    filter: ['==', ['coalesce', ['get', 'kind'], 'community'], 'community'],
    layout: {
      'text-field': ['coalesce', ['get', `name_${language}`], ['get', 'name_th'], ''],
      'text-font': FONT, 'text-size': 13, 'text-max-width': 8, 'text-padding': 12,
    },
    paint: { 'text-color': p.label, 'text-halo-color': p.halo, 'text-halo-width': 1.6 },
  }
}

function floodLayers(theme: Theme): LayerSpecification[] {
  const p = PALETTES[theme]
  return [
    { id: 'ground', type: 'line', source: 'ground', paint: { 'line-color': p.boundary, 'line-width': 1.4, 'line-dasharray': [2, 2] } },
    { id: 'ground-label', type: 'symbol', source: 'ground', minzoom: 12,
      layout: { 'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': 12, 'text-max-width': 9 },
      paint: { 'text-color': p.label, 'text-halo-color': p.halo, 'text-halo-width': 1.6 } },
    { id: 'flood', type: 'fill', source: 'flood', layout: { 'fill-sort-key': ['get', 'depth_class'] },
      paint: { 'fill-color': byDepth('#a9cdec', '#5f9fd8', '#2f6bb0', '#143f7a'),
        'fill-opacity': p.floodOpacity, 'fill-antialias': false } },
    { id: 'flood-outline', type: 'line', source: 'flood',
      paint: { 'line-color': byDepth('#5f9fd8', '#2f6bb0', '#143f7a', '#0b2a55'), 'line-width': 1 } },
    { id: 'zones-fill', type: 'fill', source: 'zones', paint: { 'fill-color': '#000', 'fill-opacity': 0 } },
    { id: 'zones', type: 'line', source: 'zones', filter: ['>', ['coalesce', ['get', 'severity'], 0], 0],
      layout: { 'line-join': 'round', 'line-sort-key': ['get', 'severity'] },
      paint: { 'line-color': bySeverity,
        'line-width': ['match', ['get', 'severity'], 3, 3, 2, 2.4, 1.8] } },
    { id: 'zones-picked', type: 'line', source: 'zones', filter: ['in', ['get', 'id'], ['literal', []]],
      layout: { 'line-join': 'round' }, paint: { 'line-color': bySeverity, 'line-width': 5 } },
  ]
}

function markLayers(theme: Theme): LayerSpecification[] {
  const p = PALETTES[theme]
  const name: ExpressionSpecification = ['get', 'label']
  const still = { 'icon-allow-overlap': true, 'icon-ignore-placement': true } as const
  // Always drawn too, and the names of communities and roads give way to it.
  const keptClear = { 'icon-allow-overlap': true, 'icon-padding': 0 } as const
  return [
    { id: 'zones-label', type: 'symbol', source: 'zones', minzoom: 12.5,
      filter: ['>', ['coalesce', ['get', 'severity'], 0], 0],
      layout: { 'symbol-placement': 'line', 'symbol-spacing': 420, 'text-field': ['get', 'level_label'],
        'text-font': BOLD, 'text-size': 12, 'text-offset': [0, -0.8], 'symbol-sort-key': ['-', 0, ['get', 'severity']] },
      paint: { 'text-color': theme === 'day' ? ['match', ['get', 'severity'], 3, '#b3162c', '#7a4500'] : '#ffd9a8',
        'text-halo-color': p.halo, 'text-halo-width': 1.8 } },
    { id: 'routes-casing', type: 'line', source: 'routes', layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': '#ffffff', 'line-width': 7, 'line-opacity': 0.9 } },
    { id: 'routes', type: 'line', source: 'routes', layout: { 'line-join': 'round' },
      paint: { 'line-color': '#0b7285', 'line-width': 4, 'line-dasharray': [1.8, 1] } },
    { id: 'picked', type: 'symbol', source: 'picked', layout: { 'icon-image': 'ring', ...still } },
    { id: 'cameras', type: 'symbol', source: 'cameras', minzoom: 11.5,
      layout: { 'icon-image': 'camera', 'icon-offset': [0, 22], 'icon-size': 0.85, ...keptClear } },
    { id: 'incidents', type: 'symbol', source: 'incidents',
      layout: PIN_LAYOUT, paint: PIN_PAINT },
    { id: 'crews', type: 'symbol', source: 'crews',
      layout: { 'icon-image': ['concat', 'crew-', ['get', 'vehicle']],
        'icon-size': ['interpolate', ['linear'], ['zoom'], 11, 0.7, 14, 1], ...still } },
    { id: 'gauges', type: 'symbol', source: 'gauges',
      layout: { 'icon-image': ['concat', 'gauge-', ['get', 'mark']], 'symbol-sort-key': ['get', 'rank'],
        'icon-size': ['interpolate', ['linear'], ['zoom'], 10, 0.7, 13, 1], ...keptClear } },
    // What stands last is placed first: high gauges, then the other gauges, then the city's own names.
    { id: 'gauges-name', type: 'symbol', source: 'gauges', minzoom: 12.5, filter: ['<', ['get', 'rank'], 2],
      layout: { 'text-field': name, 'text-font': FONT, 'text-size': 12, 'text-anchor': 'top',
        'text-offset': ['case', ['get', 'has_camera'], ['literal', [0, 2.9]], ['literal', [0, 1.4]]], // below its camera
        'text-optional': true },
      paint: { 'text-color': p.label, 'text-halo-color': p.halo, 'text-halo-width': 1.6 } },
    { id: 'gauges-label', type: 'symbol', source: 'gauges', minzoom: 11,
      filter: ['>=', ['get', 'rank'], 2],
      layout: { 'icon-image': 'pill', 'icon-text-fit': 'both', 'icon-text-fit-padding': [2, 3, 2, 3],
        'text-field': ['concat', name, ' ', ['get', 'level_label']], 'text-font': BOLD, 'text-size': 13,
        'text-anchor': ['match', ['get', 'side'], 'left', 'right', 'left'],
        'text-offset': ['match', ['get', 'side'], 'left', ['literal', [-2, 0]], ['literal', [2, 0]]], 'text-max-width': 40,
        'symbol-sort-key': ['-', 0, ['get', 'rank']] },
      paint: { 'text-color': '#ffffff' } },
  ]
}

export function layers(theme: Theme, language: Language): LayerSpecification[] {
  return [
    ...baseLayers(theme, language),
    ...floodLayers(theme),
    areaLabel(theme, language),
    ...markLayers(theme),
  ]
}

export function style(theme: Theme, version?: string, language: Language = words.language): StyleSpecification {
  const nothing = { type: 'FeatureCollection' as const, features: [] }
  return {
    version: 8,
    // Without glyphs MapLibre draws text with the page's fonts and stacks Thai marks rightly.
    sources: {
      base: { type: 'vector', tiles: [baseTiles(version)], minzoom: 8, maxzoom: 15 },
      ...Object.fromEntries(DATA_SOURCES.map((id) => [id, { type: 'geojson' as const, data: nothing }])),
    },
    layers: layers(theme, language),
  }
}
