// The gauge's chart: level, limits, doubtful readings, the hours ahead as a fan and the rain from above. For screen and picture.
import uPlot from 'uplot'
import { dateOf, metres, number, timeOf } from '../shared/format'
import { withGaps } from '../shared/gaps'
import type { Gauge, GaugeForecast, History, Horizon, Rain, Reading } from '../shared/types'
import { at_s, drawBands, drawLimits, drawMoment, isDoubtful, limitsOf, rangeOf, within, type Colour } from '../shared/ui/levelDrawing'
import { t } from '../shared/words.svelte'

export type Drawn = {
  gauge: Gauge
  history: History | null
  forecast: GaugeForecast | null
  rain: Rain | null
  now_ms: number
  hours: number
}
/** A doubtful reading, or some that lie together, where the chart has them: pixels from the chart's left and top. */
export type Doubt = { key: string; readings: Reading[]; x_px: number; y_px: number }
type Look = { width_px: number; height_px: number; scale: number; colour: Colour }

const LEAST_SCALE_MM = 10 // Rain of less than this an hour stays a small bar.
const RAIN_SHARE = 0.4 // Of the levels' range, added above them.
const RAIN_BAR_SHARE = (0.62 * RAIN_SHARE) / (1 + RAIN_SHARE) // Of the plot; the rest is for the figure below the longest bar.
const TOGETHER_PX = 28 // Marks whose buttons would cover each other are one.
const DAY_H = 24
const HOUR_S = 3600

export const shownHorizons = (forecast: GaugeForecast | null): Horizon[] =>
  forecast?.is_shown ? forecast.horizons.filter((horizon) => horizon.is_shown) : []
export const aheadOf = (drawn: Drawn) => Math.max(0.04 * drawn.hours, ...shownHorizons(drawn.forecast).map((one) => (Date.parse(one.at) - drawn.now_ms) / 3_600_000 + 0.2))
export const goodOf = (history: History | null) => (history?.readings ?? []).filter((reading) => reading.value !== null && !isDoubtful(reading))
export const doubtsOf = (history: History | null) => (history?.readings ?? []).filter((reading) => isDoubtful(reading))

const rainTop_mm = (rain: Rain | null) => Math.max(LEAST_SCALE_MM, ...(rain?.hours ?? []).map((hour) => hour.rain_mm))
const hasRain = (rain: Rain | null) => (rain?.hours ?? []).some((hour) => hour.rain_mm > 0)

export function levelRange(drawn: Drawn, look: Pick<Look, 'height_px' | 'scale'>): [number, number] {
  const ahead = shownHorizons(drawn.forecast).flatMap((one) => [one.low_m_msl, one.high_m_msl])
  const values = [...goodOf(drawn.history).map((reading) => reading.value as number), ...ahead]
  const [low, high] = rangeOf(values, drawn.gauge, look.height_px - 30 * look.scale, 18 * look.scale)
  return hasRain(drawn.rain) ? [low, high + (high - low) * RAIN_SHARE] : [low, high]
}

export function dataOf(drawn: Drawn): uPlot.AlignedData {
  const gap_ms = drawn.history ? drawn.history.gap_after_s * 1000 : undefined
  const points = withGaps(goodOf(drawn.history), gap_ms)
  return [points.map(at_s), points.map((reading) => reading.value)]
}

/** What uPlot needs to draw it; `drawn` is asked anew at every drawing, so that time and readings only move it on. */
export function optionsOf(drawn: () => Drawn, look: Look, after: (u: uPlot) => void = () => {}): uPlot.Options {
  const { scale, colour } = look
  const axis = {
    stroke: colour('--ink'),
    font: `${13 * scale}px Sarabun, Garuda, sans-serif`,
    ticks: { show: false },
    grid: { show: true, stroke: colour('--line'), width: 1 },
  }
  const ends = () => {
    const now = drawn()
    return [now.now_ms / 1000 - now.hours * HOUR_S, now.now_ms / 1000 + aheadOf(now) * HOUR_S] as [number, number]
  }
  return {
    width: look.width_px,
    height: look.height_px,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Asia/Bangkok'),
    legend: { show: false },
    cursor: { show: false },
    padding: [6 * scale, 10 * scale, 0, 0],
    scales: { x: { range: ends }, y: { range: () => levelRange(drawn(), look) } },
    axes: [
      { ...axis, size: 26 * scale, gap: 3 * scale, space: 64 * scale, values: (u, ticks) => ticks.map((tick) => (isCutOff(u, tick, scale) ? '' : tickWord(tick, drawn().hours))) },
      { ...axis, size: 44 * scale, gap: 4 * scale, space: 30 * scale, values: (_, ticks) => ticks.map((tick, index) => (index === ticks.length - 1 ? metres(tick, 1) : number(tick, 1))) },
    ],
    series: [{}, { stroke: colour('--crew-text'), width: 3 * scale, points: { show: (u) => u.data[0].length < 3, size: 8 * scale } }],
    hooks: {
      drawClear: [(u) => drawBands(u, limitsOf(drawn().gauge), levelRange(drawn(), look)[1], colour)],
      drawAxes: [(u) => {
        drawRain(u, drawn(), look)
        drawFan(u, drawn(), look)
      }],
      draw: [(u) => {
        const dots = look.scale * devicePixelRatio
        drawLimits(u, drawn().gauge, limitsOf(drawn().gauge), colour, dots)
        drawMoment(u, drawn().now_ms, colour('--ink'), dots)
        drawDoubts(u, drawn(), look)
        after(u)
      }],
    },
  }
}

const isCutOff = (u: uPlot, tick: number, scale: number) => u.valToPos(tick, 'x') > u.bbox.width / devicePixelRatio - 14 * scale

function tickWord(tick: number, hours: number): string {
  if (hours <= DAY_H) return timeOf(tick * 1000)
  return timeOf(tick * 1000) === '00:00' ? dateOf(tick * 1000).split(' ').slice(0, 2).join(' ') : ''
}

function drawRain(u: uPlot, drawn: Drawn, look: Look): void {
  if (!hasRain(drawn.rain)) return
  const c = u.ctx
  const { left, top, width, height } = u.bbox
  const dots = look.scale * devicePixelRatio
  const most_mm = rainTop_mm(drawn.rain)
  const hours = drawn.rain?.hours ?? []
  const wettest = hours.reduce<(typeof hours)[number] | undefined>((most, hour) => (most && most.rain_mm >= hour.rain_mm ? most : hour), undefined)
  c.save()
  c.beginPath()
  c.rect(left, top, width, height)
  c.clip()
  for (const hour of hours) {
    const from = u.valToPos(Date.parse(hour.from_at) / 1000, 'x', true)
    const to = u.valToPos(Date.parse(hour.from_at) / 1000 + HOUR_S, 'x', true)
    const gap = Math.min(dots, (to - from) / 6)
    const bar = { x: from + gap, width: to - from - 2 * gap, height: (hour.rain_mm / most_mm) * height * RAIN_BAR_SHARE }
    c.fillStyle = c.strokeStyle = look.colour('--depth-3')
    c.lineWidth = 1.5 * dots
    // The least that fell is an open bar: there may have been more.
    if (hour.is_whole) c.fillRect(bar.x, top, bar.width, bar.height)
    else if (hour.rain_mm > 0) {
      c.globalAlpha = 0.35
      c.fillRect(bar.x, top, bar.width, bar.height)
      c.globalAlpha = 1
      c.setLineDash([3 * dots, 2 * dots])
      c.strokeRect(bar.x, top, bar.width, bar.height)
      c.setLineDash([])
    }
    if (hour !== wettest) continue
    c.font = `600 ${12 * dots}px Sarabun, Garuda, sans-serif`
    c.textBaseline = 'top'
    c.textAlign = 'center'
    c.lineWidth = 3 * dots
    c.strokeStyle = look.colour('--panel')
    c.fillStyle = look.colour('--ink')
    const text = t('rain-most', { mm: number(hour.rain_mm, hour.rain_mm < LEAST_SCALE_MM ? 1 : 0) })
    const half = c.measureText(text).width / 2 + 4 * dots
    const x = within((from + to) / 2, [left + half, left + width - half])
    c.strokeText(text, x, top + bar.height + 2 * dots)
    c.fillText(text, x, top + bar.height + 2 * dots)
  }
  c.restore()
}

/** From the newest good level on, as far as the forecast may be shown. */
function drawFan(u: uPlot, drawn: Drawn, look: Look): void {
  const horizons = shownHorizons(drawn.forecast)
  const last = goodOf(drawn.history).at(-1)
  if (!horizons.length || !last) return
  const c = u.ctx
  const dots = look.scale * devicePixelRatio
  // A level that is older than silence allows is not where the forecast began: nothing joins the two.
  const isFresh = Date.parse(drawn.forecast?.made_at ?? '') - Date.parse(last.observed_at) <= (drawn.history?.gap_after_s ?? 0) * 1000
  const start = { at: last.observed_at, level_m_msl: last.value as number, low_m_msl: last.value as number, high_m_msl: last.value as number }
  const along = isFresh ? [start, ...horizons] : horizons
  const point = (at: string, value: number) => [u.valToPos(Date.parse(at) / 1000, 'x', true), u.valToPos(value, 'y', true)] as const
  const upper = along.map((one) => point(one.at, one.high_m_msl))
  const lower = along.map((one) => point(one.at, one.low_m_msl))
  const trace = (line: readonly (readonly [number, number])[]) => line.forEach(([x, y], index) => (index ? c.lineTo(x, y) : c.moveTo(x, y)))
  c.save()
  c.beginPath()
  trace([...upper, ...lower.toReversed()])
  c.closePath()
  c.globalAlpha = 0.24
  c.fillStyle = look.colour('--crew-text')
  c.fill()
  c.globalAlpha = 1
  c.strokeStyle = look.colour('--crew-text')
  c.lineWidth = 1.2 * dots
  for (const edge of [upper, lower]) {
    c.beginPath()
    trace(edge)
    c.stroke()
  }
  c.lineWidth = 2.5 * dots
  c.setLineDash([6 * dots, 4 * dots])
  c.beginPath()
  trace(along.map((one) => point(one.at, one.level_m_msl)))
  c.stroke()
  c.restore()
}

/** Doubtful readings where they stand in the chart, those that touch as one; without a value at the foot, far ones at the edge. */
export function placedDoubts(u: uPlot, drawn: Drawn, look: Look): Doubt[] {
  const ratio = devicePixelRatio
  const [low, high] = levelRange(drawn, look)
  const from_s = drawn.now_ms / 1000 - drawn.hours * HOUR_S
  const edge_px = 8 * look.scale
  const top_px = u.bbox.top / ratio + edge_px
  const foot_px = (u.bbox.top + u.bbox.height) / ratio - edge_px
  const placed: Doubt[] = []
  for (const reading of doubtsOf(drawn.history)) {
    if (at_s(reading) < from_s) continue
    const x_px = u.valToPos(at_s(reading), 'x') + u.bbox.left / ratio
    const y_value = reading.value === null ? foot_px : u.valToPos(within(reading.value, [low, high]), 'y') + u.bbox.top / ratio
    const y_px = within(y_value, [top_px, foot_px])
    const near = placed.find((one) => Math.abs(one.x_px - x_px) < TOGETHER_PX * look.scale && Math.abs(one.y_px - y_px) < TOGETHER_PX * look.scale)
    if (near) near.readings.push(reading)
    else placed.push({ key: `${reading.observed_at} ${reading.qc_flag}`, readings: [reading], x_px, y_px })
  }
  return placed
}

/** A rhomb is suspect, a cross unusable, a bar at the foot no value; a number says how many lie there. */
function drawDoubts(u: uPlot, drawn: Drawn, look: Look): void {
  for (const doubt of placedDoubts(u, drawn, look)) drawDoubt(u.ctx, doubt, look)
}

export function drawDoubt(c: CanvasRenderingContext2D, doubt: Doubt, look: Pick<Look, 'scale' | 'colour'>): void {
  const dots = look.scale * devicePixelRatio
  const [x, y, r] = [doubt.x_px * devicePixelRatio, doubt.y_px * devicePixelRatio, 6 * dots]
  const worst = Math.max(...doubt.readings.map((reading) => reading.qc_flag))
  const shape = new Path2D()
  if (worst === 3) shape.addPath(new Path2D(`M${x} ${y - r}L${x + r} ${y}L${x} ${y + r}L${x - r} ${y}Z`))
  else if (worst === 4) shape.addPath(new Path2D(`M${x - r * 0.8} ${y - r * 0.8}L${x + r * 0.8} ${y + r * 0.8}M${x + r * 0.8} ${y - r * 0.8}L${x - r * 0.8} ${y + r * 0.8}`))
  else shape.addPath(new Path2D(`M${x - r} ${y}L${x + r} ${y}`))
  c.save()
  c.lineCap = 'round'
  c.strokeStyle = look.colour('--panel')
  c.lineWidth = 6 * dots
  c.stroke(shape)
  if (worst === 3) {
    c.fillStyle = look.colour('--panel')
    c.fill(shape)
  }
  c.strokeStyle = look.colour('--untrusted')
  c.lineWidth = 2.5 * dots
  c.stroke(shape)
  if (doubt.readings.length > 1) {
    c.font = `700 ${12 * dots}px Sarabun, Garuda, sans-serif`
    c.textBaseline = 'middle'
    c.textAlign = 'left'
    c.lineWidth = 3 * dots
    c.strokeStyle = look.colour('--panel')
    c.fillStyle = look.colour('--untrusted')
    c.strokeText(`×${number(doubt.readings.length)}`, x + r + 3 * dots, y)
    c.fillText(`×${number(doubt.readings.length)}`, x + r + 3 * dots, y)
  }
  c.restore()
}

export const periodWords = (hours: number) => (hours > DAY_H ? t('last-days', { days: hours / DAY_H }) : t('last-hours', { hours }))
