// The shared clock, run on locally between two looks at the server's.
import { get } from './api'
import type { Clock } from './types'

const LOOK_AGAIN_MS = 30_000
// A clock that runs fast is a storm's, which may end or wait at any time; not every page hears of it by news.
const LOOK_AGAIN_FAST_MS = 3_000

class SharedClock {
  now_ms = $state(Date.now())
  speed = $state(1)
  private base_ms = Date.now()
  private heard_ms = performance.now()
  private isRunning = false

  set(clock: Clock): void {
    this.base_ms = new Date(clock.now).getTime()
    this.heard_ms = performance.now()
    this.speed = clock.speed
    this.tick()
    this.run()
  }

  /** The server's clock as it stands now: it has been set anew, or its news were missed. */
  async look(): Promise<void> {
    const clock = await get<Clock>('/clock').catch(() => null)
    if (clock) this.set(clock)
  }

  private tick(): void {
    this.now_ms = this.base_ms + (performance.now() - this.heard_ms) * this.speed
  }

  private run(): void {
    if (this.isRunning) return
    this.isRunning = true
    setInterval(() => this.tick(), 1000)
    this.lookLater()
  }

  private lookLater(): void {
    setTimeout(() => void this.look().finally(() => this.lookLater()), this.speed === 1 ? LOOK_AGAIN_MS : LOOK_AGAIN_FAST_MS)
  }
}
export const clock = new SharedClock()
