// The shared clock, run on locally between two looks at the server's.
import { get } from './api'
import type { Clock } from './types'

const LOOK_AGAIN_MS = 30_000

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

  private tick(): void {
    this.now_ms = this.base_ms + (performance.now() - this.heard_ms) * this.speed
  }

  private run(): void {
    if (this.isRunning) return
    this.isRunning = true
    setInterval(() => this.tick(), 1000)
    setInterval(() => {
      get<Clock>('/clock').then((clock) => this.set(clock), () => {})
    }, LOOK_AGAIN_MS)
  }
}
export const clock = new SharedClock()
