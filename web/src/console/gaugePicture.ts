// The chart as a picture to send on: with the station, the time, the source, and that it is simulated where it is.
import uPlot from 'uplot'
import { dateOf, metres, timeOf } from '../shared/format'
import type { Trust } from '../shared/types'
import { named, t } from '../shared/words.svelte'
import { conditionWords, whyNoForecast } from './doubting'
import { dataOf, drawDoubt, optionsOf, periodWords, shownHorizons, type Drawn } from './gaugeDrawing'

const WIDTH = 1600
const HEIGHT = 900
const HEAD = 150
const FOOT = 110
const MARGIN = 40
const SCALE = 1.7
const FONT = 'Sarabun, Garuda, sans-serif'

/** `source` says who measured; `isSimulated` marks the picture for good. */
export type Caption = { city: string; source: string; trust: Trust; isSimulated: boolean }

/** The picture as a PNG. */
export async function pictureOf(drawn: Drawn, caption: Caption): Promise<Blob> {
  await Promise.all(['400', '600', '700'].map((weight) => document.fonts.load(`${weight} 28px Sarabun`, 'กa')))
  const paper = document.createElement('div')
  paper.className = 'day'
  paper.style.cssText = 'position:fixed;left:-10000px;top:0'
  document.body.append(paper)
  const ratio = devicePixelRatio
  const colour = (name: string) => getComputedStyle(paper).getPropertyValue(name).trim()
  const size = { width_px: (WIDTH - 2 * MARGIN) / ratio, height_px: (HEIGHT - HEAD - FOOT) / ratio, scale: SCALE / ratio, colour }
  const chart = await new Promise<uPlot>((resolve) => {
    const plot: uPlot = new uPlot(optionsOf(() => drawn, size, () => queueMicrotask(() => resolve(plot))), dataOf(drawn), paper)
  })
  try {
    return await asPng(compose(chart.ctx.canvas, drawn, caption, colour))
  } finally {
    chart.destroy()
    paper.remove()
  }
}

function compose(chart: HTMLCanvasElement, drawn: Drawn, caption: Caption, colour: (name: string) => string): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = WIDTH
  canvas.height = HEIGHT
  const c = canvas.getContext('2d')
  if (!c) throw new Error('This browser draws no canvas.')
  const say = (text: string, x: number, y: number, font: string, ink = '--ink') => {
    c.font = `${font} ${FONT}`
    c.fillStyle = colour(ink)
    c.fillText(text, x, y, WIDTH - 2 * MARGIN)
  }
  c.fillStyle = colour('--panel')
  c.fillRect(0, 0, WIDTH, HEIGHT)
  const { gauge } = drawn
  const name = named(gauge.name)
  say(name.includes(gauge.code) ? name : `${name} (${gauge.code})`, MARGIN, 62, '700 42px')
  const level = gauge.level_m_msl === null ? t('never-heard') : `${metres(gauge.level_m_msl)} ${t('msl-long')} · ${gauge.condition === 'ok' ? '' : `${t(`condition-${gauge.condition}`)}: `}${conditionWords(gauge)}`
  say(level, MARGIN, 106, '600 28px')
  say(`${periodWords(drawn.hours)} · ${t('picture-made', { date: dateOf(drawn.now_ms), time: timeOf(drawn.now_ms) })}`, MARGIN, 142, '400 24px', '--ink-soft')
  c.drawImage(chart, MARGIN, HEAD)
  const foot = HEIGHT - FOOT
  drawKey(c, foot + 38, drawn, colour)
  say(t('picture-source', { source: caption.source, city: caption.city }), MARGIN, foot + 84, '400 22px', '--ink-soft')
  if (caption.isSimulated) drawSimulated(c, colour)
  return canvas
}

/** What the marks mean, on the picture itself: it is looked at where no legend is. */
function drawKey(c: CanvasRenderingContext2D, y: number, drawn: Drawn, colour: (name: string) => string): void {
  let x = MARGIN
  const ratio = devicePixelRatio
  const tell = (text: string) => {
    c.font = `400 22px ${FONT}`
    c.fillStyle = colour('--ink')
    c.fillText(text, x, y)
    x += c.measureText(text).width + 44
  }
  for (const flag of [3, 4, 9]) {
    const at = { key: '', readings: [{ observed_at: '', value: null, qc_flag: flag }], x_px: (x + 12) / ratio, y_px: (y - 8) / ratio }
    drawDoubt(c, at, { scale: SCALE / ratio, colour })
    x += 34
    tell(t(`qc-${flag}`))
  }
  const horizons = shownHorizons(drawn.forecast)
  if (horizons.length) tell(t('forecast-band', { percent: Math.round((horizons[0]?.nominal ?? 0) * 100) }))
  else if (whyNoForecast(drawn.forecast)) tell(whyNoForecast(drawn.forecast))
  if (drawn.rain?.station && drawn.rain.hours.length) tell(t('rain-of', { name: named(drawn.rain.station.name) }))
}

function drawSimulated(c: CanvasRenderingContext2D, colour: (name: string) => string): void {
  c.font = `700 30px ${FONT}`
  const text = t('simulated')
  const width = c.measureText(text).width + 48
  c.fillStyle = colour('--simulated')
  c.fillRect(WIDTH - MARGIN - width, 28, width, 52)
  c.fillStyle = '#2b2305'
  c.fillText(text, WIDTH - MARGIN - width + 24, 65)
}

const asPng = (canvas: HTMLCanvasElement) =>
  new Promise<Blob>((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('No picture came of the chart.'))), 'image/png'))

/** The picture lies among the person's downloads. */
export function download(picture: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(picture)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
