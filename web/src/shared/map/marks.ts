// The map's symbols, drawn once on a canvas: shape and digit carry the meaning, colour only supports it.
import type { Map as MapLibreMap } from 'maplibre-gl'

const RATIO = 2
const LEVELS = { '0': '#1f8a70', '1': '#b58900', '2': '#c56f00', '3': '#d7263d' } as const
const SILENT = '#737d8a'
const CREW = '#0b7285'
export const TIERS = { '1': '#d7263d', '2': '#c56f00', '3': '#56657a', '4': '#737d8a' } as const
const INK = '#0f1b2d'
const SELECTED = '#0b63c4'

type Draw = (c: CanvasRenderingContext2D, size: number) => void

function picture(width: number, height: number, draw: Draw): ImageData {
  const canvas = document.createElement('canvas')
  canvas.width = width * RATIO
  canvas.height = height * RATIO
  const c = canvas.getContext('2d')
  if (!c) throw new Error('This browser draws no canvas.')
  c.scale(RATIO, RATIO)
  draw(c, width)
  return c.getImageData(0, 0, canvas.width, canvas.height)
}

function digit(c: CanvasRenderingContext2D, text: string, x: number, y: number, colour: string, size = 15): void {
  c.font = `700 ${size}px Sarabun, Garuda, sans-serif`
  c.textAlign = 'center'
  c.textBaseline = 'alphabetic'
  c.fillStyle = colour
  c.fillText(text, x, y)
}

function outlined(c: CanvasRenderingContext2D, path: Path2D, fill: string): void {
  c.lineJoin = 'round'
  c.lineWidth = 5
  c.strokeStyle = '#fff'
  c.stroke(path)
  c.fillStyle = fill
  c.fill(path)
}

const SHAPES: Record<keyof typeof LEVELS, string> = {
  '0': 'M19 6a13 13 0 1 1 0 26a13 13 0 1 1 0-26Z',
  '1': 'M11 7h16a4 4 0 0 1 4 4v16a4 4 0 0 1-4 4H11a4 4 0 0 1-4-4V11a4 4 0 0 1 4-4Z',
  '2': 'M19 5 34 31H4Z',
  '3': 'M19 3 35 19 19 35 3 19Z',
}

const level = (name: keyof typeof LEVELS): Draw => (c) => {
  outlined(c, new Path2D(SHAPES[name]), LEVELS[name])
  digit(c, name, 19, name === '2' ? 28 : 24.5, '#fff')
}

const silent: Draw = (c) => {
  c.beginPath()
  c.arc(19, 19, 14, 0, Math.PI * 2)
  c.fillStyle = 'rgb(255 255 255 / 92%)'
  c.fill()
  c.setLineDash([5, 3.4])
  c.lineWidth = 3
  c.strokeStyle = SILENT
  c.stroke()
  digit(c, '?', 19, 24.5, '#465468')
}

// A late gauge is a clock, a lost one a cut-off circle, one that is not believed a hatched square: hollow, unlike any level.
const CONDITIONS = { late: '#a36a00', lost: '#b3162c', untrusted: '#6b3fa0' } as const
const condition = (name: keyof typeof CONDITIONS): Draw => (c) => {
  const shape = new Path2D(name === 'untrusted' ? 'M7 7H31V31H7Z' : 'M19 6a13 13 0 1 1 0 26a13 13 0 1 1 0-26Z')
  outlined(c, shape, 'rgb(255 255 255 / 94%)')
  c.strokeStyle = CONDITIONS[name]
  c.save()
  c.clip(shape)
  c.lineWidth = 1.6
  if (name === 'untrusted') c.stroke(new Path2D('M1 19 19 1M1 28 28 1M1 37 37 1M10 37 37 10M19 37 37 19'))
  c.restore()
  c.lineWidth = 3
  if (name === 'lost') c.setLineDash([7, 4])
  c.stroke(shape)
  c.setLineDash([])
  if (name === 'untrusted') {
    c.fillStyle = '#fff'
    c.fill(new Path2D('M19 11a8 8 0 1 1 0 16a8 8 0 1 1 0-16Z'))
    return digit(c, '?', 19, 24.5, CONDITIONS.untrusted)
  }
  c.lineCap = 'round'
  c.stroke(new Path2D(name === 'late' ? 'M19 11.5V19L24 23' : 'M14 14 24 24M24 14 14 24'))
}

const pin = (tier: keyof typeof TIERS): Draw => (c) => {
  const shape = new Path2D('M14 38C8 27 3 21.500 3 14a11 11 0 1 1 22 0c0 7.500-5 13-11 24Z')
  c.lineWidth = 4
  c.lineJoin = 'round'
  c.strokeStyle = '#fff'
  c.stroke(shape)
  c.fillStyle = TIERS[tier]
  c.fill(shape)
  digit(c, tier, 14, 19, '#fff', 14)
}

// Boat, truck, car, person: outlines in a 20 × 20 box.
const VEHICLES: Record<string, string> = {
  boat: 'M3 12h14l-2.500 4.500h-9ZM9.500 10V3l5 7Z',
  truck: 'M2 5h9v8H2ZM12 8h3.500L18 11v2h-6ZM5 15.500a1.700 1.700 0 1 0 .1 0ZM14.500 15.500a1.700 1.700 0 1 0 .1 0Z',
  car: 'M3 10.500 5 6h10l2 4.500V14H3ZM6 15.500a1.600 1.600 0 1 0 .1 0ZM14 15.500a1.600 1.600 0 1 0 .1 0Z',
  foot: 'M10 2.200a2 2 0 1 1-.1 0ZM8 7h4l1 5h-1.500L11 18H9l-.5-6H7Z',
}

const crew = (vehicle: string): Draw => (c) => {
  const box = new Path2D()
  box.roundRect(4, 4, 26, 26, 8)
  outlined(c, box, CREW)
  c.translate(7, 7)
  c.fillStyle = '#fff'
  c.fill(new Path2D(VEHICLES[vehicle] ?? VEHICLES.car))
}

const camera: Draw = (c) => {
  const box = new Path2D()
  box.roundRect(3, 6, 24, 18, 5)
  c.lineWidth = 3
  c.strokeStyle = '#fff'
  c.stroke(box)
  c.fillStyle = INK
  c.fill(box)
  c.beginPath()
  c.arc(15, 15, 5.5, 0, Math.PI * 2)
  c.lineWidth = 2
  c.stroke()
}

const ring: Draw = (c, size) => {
  c.beginPath()
  c.arc(size / 2, size / 2, size / 2 - 3, 0, Math.PI * 2)
  c.lineWidth = 4
  c.strokeStyle = '#fff'
  c.stroke()
  c.lineWidth = 2.5
  c.strokeStyle = SELECTED
  c.stroke()
}

const pill: Draw = (c) => {
  c.fillStyle = INK
  c.beginPath()
  c.roundRect(0, 0, 24, 24, 7)
  c.fill()
}

export function addMarks(map: MapLibreMap): void {
  const add = (name: string, data: ImageData) => map.hasImage(name) || map.addImage(name, data, { pixelRatio: RATIO })
  for (const name of Object.keys(LEVELS) as (keyof typeof LEVELS)[]) add(`gauge-${name}`, picture(38, 38, level(name)))
  add('gauge-silent', picture(38, 38, silent))
  for (const name of Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[]) add(`gauge-${name}`, picture(38, 38, condition(name)))
  for (const tier of Object.keys(TIERS) as (keyof typeof TIERS)[]) add(`pin-${tier}`, picture(28, 41, pin(tier)))
  for (const vehicle of Object.keys(VEHICLES)) add(`crew-${vehicle}`, picture(34, 34, crew(vehicle)))
  add('camera', picture(30, 30, camera))
  add('ring', picture(52, 52, ring))
  if (!map.hasImage('pill')) {
    map.addImage('pill', picture(24, 24, pill), {
      pixelRatio: RATIO,
      stretchX: [[16, 32]],
      stretchY: [[16, 32]],
      content: [14, 8, 34, 40],
    })
  }
}
