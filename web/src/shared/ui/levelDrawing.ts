// What every chart of a level shares: bands between the limits, the limits and the bank with their names, the range.
import type uPlot from 'uplot'
import { metres } from '../format'
import type { Gauge, Reading } from '../types'
import { t } from '../words.svelte'

export type Limit = { level: number; name: string; value: number; colour: string }
/** A colour of the house by its name, as it is where the chart stands. */
export type Colour = (name: string) => string

const GOOD_UP_TO = 2 // QARTOD: 1 good, 2 not evaluated; above that a reading is in doubt.
export const isDoubtful = (reading: Reading) => reading.qc_flag > GOOD_UP_TO
export const at_s = (reading: Reading) => new Date(reading.observed_at).getTime() / 1000

export const limitsOf = (gauge: Gauge): Limit[] =>
  [
    { level: 1, name: t('level-1'), value: gauge.thresholds.watch, colour: '--level-1' },
    { level: 2, name: t('level-2'), value: gauge.thresholds.warning, colour: '--level-2' },
    { level: 3, name: t('level-3'), value: gauge.thresholds.danger, colour: '--level-3' },
  ].filter((limit): limit is Limit => limit.value !== null)

/** From the lowest to the highest of levels, limits and bank, with room for the name over the highest line.
 *
 * Doubtful readings stretch nothing: a sensor that says 99 m would make the water a flat line. They are drawn at the edge.
 */
export function rangeOf(values: readonly number[], gauge: Gauge, drawn_px: number, label_px: number): [number, number] {
  const marks = [...limitsOf(gauge).map((limit) => limit.value), ...(gauge.bank_m_msl === null ? [] : [gauge.bank_m_msl])]
  const lowest = Math.min(...values, ...marks)
  const highest = Math.max(...values, ...marks)
  if (!Number.isFinite(lowest)) return [0, 1]
  const room = Math.max(0.1, (highest - lowest) * 0.12)
  const px = Math.max(drawn_px, 3 * label_px)
  const above = ((highest - lowest + room) * label_px) / (px - label_px)
  return [lowest - room, highest + Math.max(room, above)]
}

export const within = (value: number, [low, high]: [number, number]) => Math.min(high, Math.max(low, value))

export function drawBands(u: uPlot, limits: readonly Limit[], highest: number, colour: Colour): void {
  const { left, top, width, height } = u.bbox
  const c = u.ctx
  const y = (value: number) => Math.min(top + height, Math.max(top, u.valToPos(value, 'y', true)))
  c.save()
  limits.forEach((limit, index) => {
    const upper = limits[index + 1]?.value ?? highest
    c.globalAlpha = 0.13
    c.fillStyle = colour(limit.colour)
    c.fillRect(left, y(upper), width, y(limit.value) - y(upper))
  })
  c.restore()
}

const NAME_PX = 19 // A line of Thai with the marks above and below its letters.
const NAMES_APART_PX = 12

/** Where each name begins so that none covers another: as far left as those before it leave room, in the unit given.
 *
 * `foot` is where a name stands, counted downwards.
 */
export function sideBySide(names: readonly { foot: number; width: number }[], height: number, apart: number): number[] {
  const starts: number[] = []
  names.forEach((one, index) => {
    const near = names.slice(0, index).map((other, at) => ({ ...other, start: starts[at] ?? 0 })).filter((other) => Math.abs(other.foot - one.foot) < height)
    const ends = [0, ...near.map((other) => other.start + other.width + apart)].sort((a, b) => a - b)
    const isFree = (start: number) => near.every((other) => start + one.width + apart <= other.start || start >= other.start + other.width + apart)
    starts.push(ends.find(isFree) ?? 0)
  })
  return starts
}

/** The limits and the bank, named in words; where lines lie close together their names stand side by side. */
export function drawLimits(u: uPlot, gauge: Gauge, limits: readonly Limit[], colour: Colour, scale = devicePixelRatio): void {
  const { left, width } = u.bbox
  const c = u.ctx
  c.save()
  c.font = `600 ${12 * scale}px Sarabun, Garuda, sans-serif`
  c.textBaseline = 'bottom'
  c.textAlign = 'left'
  const line = (value: number, stroke: string, line_px: number) => {
    const y = u.valToPos(value, 'y', true)
    c.strokeStyle = stroke
    c.lineWidth = line_px * scale
    c.beginPath()
    c.moveTo(left, y)
    c.lineTo(left + width, y)
    c.stroke()
  }
  const name = (text: string, at: number, y: number, ink: string) => {
    c.lineWidth = 3 * scale
    c.lineJoin = 'round'
    c.strokeStyle = colour('--panel')
    c.fillStyle = colour(ink)
    c.strokeText(text, at, y)
    c.fillText(text, at, y)
  }
  for (const limit of limits) line(limit.value, colour(limit.colour), 1)
  if (gauge.bank_m_msl !== null) {
    c.setLineDash([6 * scale, 4 * scale])
    line(gauge.bank_m_msl, colour('--ink'), 1.5)
    c.setLineDash([])
  }
  // Names last, so that no line goes through them.
  const names = limits.map((limit) => ({ text: `${limit.level} ${limit.name}`, value: limit.value, ink: '--ink-soft' }))
  if (gauge.bank_m_msl !== null) names.push({ text: `${t('bank')} ${metres(gauge.bank_m_msl)}`, value: gauge.bank_m_msl, ink: '--ink' })
  const measured = names.map((one) => ({ foot: u.valToPos(one.value, 'y', true) - scale, width: c.measureText(one.text).width }))
  const starts = sideBySide(measured, NAME_PX * scale, NAMES_APART_PX * scale)
  names.forEach((one, index) => name(one.text, left + 6 * scale + (starts[index] ?? 0), measured[index]?.foot ?? 0, one.ink))
  c.restore()
}

/** A line from the plot's top to its bottom at a moment. */
export function drawMoment(u: uPlot, moment_ms: number, stroke: string, scale = devicePixelRatio, dash: number[] = []): void {
  const { left, top, height } = u.bbox
  const c = u.ctx
  const x = Math.max(left, u.valToPos(moment_ms / 1000, 'x', true))
  c.save()
  c.strokeStyle = stroke
  c.lineWidth = 2 * scale
  c.setLineDash(dash.map((one) => one * scale))
  c.beginPath()
  c.moveTo(x, top)
  c.lineTo(x, top + height)
  c.stroke()
  c.restore()
}
