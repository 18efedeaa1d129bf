// Hours without data are no straight line: where a gauge fell silent, its readings are set apart.
import type { Reading } from './types'

const SILENT_AFTER_INTERVALS = 3 // The same three intervals after which the house calls a gauge silent.
const SILENT_AFTER_MS = 30 * 60_000 // Where too few readings tell the gauge's interval.
const FEWEST_STEPS = 3
const MISSING = 9 // QARTOD

const at_ms = (reading: Reading) => new Date(reading.observed_at).getTime()

/** How long after a reading the next one must come to belong to it: from the gauge's usual (median) interval. */
function silentAfter_ms(readings: readonly Reading[]): number {
  const steps_ms = readings
    .slice(1)
    .map((reading, index) => at_ms(reading) - at_ms(readings[index]!))
    .filter((step_ms) => step_ms > 0)
  if (steps_ms.length < FEWEST_STEPS) return SILENT_AFTER_MS
  return SILENT_AFTER_INTERVALS * steps_ms.sort((a, b) => a - b)[Math.floor(steps_ms.length / 2)]!
}

/** The readings, oldest first, with a missing one in the middle of each gap; the server may know how long that is. */
export function withGaps(readings: readonly Reading[], limit_ms = silentAfter_ms(readings)): Reading[] {
  return readings.flatMap((reading, index) => {
    const before = readings[index - 1]
    if (!before || at_ms(reading) - at_ms(before) <= limit_ms) return [reading]
    const middle = new Date((at_ms(before) + at_ms(reading)) / 2).toISOString()
    return [{ observed_at: middle, value: null, qc_flag: MISSING }, reading]
  })
}
