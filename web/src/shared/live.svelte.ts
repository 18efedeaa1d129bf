// Resources that stay fresh: live events say when to look again, a slow round catches what no event said.
import { ApiProblem, get } from './api'
import { clock } from './clock.svelte'

type News = { id: number | null; name: string; data: Record<string, unknown> }

const GATHER_MS = 250
const ROUND_MS = 20_000
const REOPEN_MS = 3_000

/** One answer of the API with its condition: loading, ready, failed; `isStale` when newer attempts fail. */
export class Resource<T> {
  data = $state.raw<T | null>(null)
  problem = $state<ApiProblem | null>(null)
  loaded_ms = $state(0)
  private timer: ReturnType<typeof setTimeout> | undefined
  private text = ''
  private loading: Promise<void> | undefined
  private isAskedAgain = false

  constructor(
    readonly path: () => string | null,
    readonly newsPrefixes: readonly string[] = [],
    /** Between two looks, so that a storm of news stays a trickle of requests. */
    private readonly rest_ms = 1000,
  ) {}

  get status(): 'loading' | 'ready' | 'failed' {
    if (this.data !== null) return 'ready'
    return this.problem ? 'failed' : 'loading'
  }

  get isStale(): boolean {
    return this.data !== null && this.problem !== null
  }

  hears(name: string): boolean {
    return this.newsPrefixes.some((prefix) => name.startsWith(prefix))
  }

  /** Looks again soon; many calls in a short time are one request. */
  refresh(): void {
    const rested_ms = this.loaded_ms + this.rest_ms - Date.now()
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      void this.load()
    }, Math.max(GATHER_MS, rested_ms))
  }

  clear(): void {
    this.data = null
    this.problem = null
  }

  /** The answer was asked for after this call: one that was on its way already may tell of a time before it. */
  load(): Promise<void> {
    if (this.path() === null) return Promise.resolve()
    this.isAskedAgain = true
    this.loading ??= this.loadWhileAsked()
    return this.loading
  }

  private async loadWhileAsked(): Promise<void> {
    try {
      let path: string | null
      do {
        this.isAskedAgain = false
        path = this.path()
        if (path !== null) await this.loadOnce(path)
      } while (this.isAskedAgain || path !== this.path())
    } finally {
      this.loading = undefined
    }
  }

  private async loadOnce(path: string): Promise<void> {
    try {
      const answer = await get<T>(path)
      // The same answer again must not move anything on the screen.
      const text = JSON.stringify(answer)
      if (path === this.path() && (this.data === null || text !== this.text)) {
        this.text = text
        this.data = answer
      }
      this.problem = null
      this.loaded_ms = Date.now()
    } catch (problem) {
      if (!(problem instanceof ApiProblem)) throw problem
      this.problem = problem
    }
  }
}

/** Nothing is asked; its number changes when something else is to be asked again, such as a map's tiles. */
export class Beat extends Resource<number> {
  constructor(newsPrefixes: readonly string[], rest_ms?: number) {
    super(() => null, newsPrefixes, rest_ms)
  }

  override load(): Promise<void> {
    this.loaded_ms = Date.now()
    this.data = this.loaded_ms
    return Promise.resolve()
  }
}

class Live {
  isConnected = $state(false)
  private source: EventSource | undefined
  private readonly resources = new Set<Resource<unknown>>()
  private round: ReturnType<typeof setInterval> | undefined

  /** Loads the resource and keeps it fresh until the returned function is called. */
  keep<T>(...resources: Resource<T>[]): () => void {
    for (const resource of resources as Resource<unknown>[]) {
      this.resources.add(resource)
      void resource.load()
    }
    this.open()
    return () => {
      for (const resource of resources as Resource<unknown>[]) this.resources.delete(resource)
      if (this.resources.size === 0) this.close()
    }
  }

  private open(): void {
    this.round ??= setInterval(() => this.refreshAll(), ROUND_MS)
    if (this.source) return
    const source = new EventSource('/api/v1/live')
    source.onopen = () => (this.isConnected = true)
    source.onmessage = (event: MessageEvent<string>) => this.hear(JSON.parse(event.data) as News)
    source.onerror = () => {
      this.isConnected = false
      // A browser returns by itself after a cut, but not after an answer such as 401 or 503.
      if (source.readyState !== EventSource.CLOSED) return
      this.source = undefined
      setTimeout(() => this.resources.size && this.open(), REOPEN_MS)
    }
    this.source = source
  }

  private close(): void {
    this.source?.close()
    this.source = undefined
    clearInterval(this.round)
    this.round = undefined
    this.isConnected = false
  }

  private refreshAll(): void {
    for (const resource of this.resources) resource.refresh()
  }

  private hear(news: News): void {
    this.isConnected = true
    const isAll = news.name === 'live.refetch' || (news.name === 'live.hello' && news.data.is_complete === false)
    if (isAll || news.name === 'core.pace_set') void clock.look()
    for (const resource of this.resources) if (isAll || resource.hears(news.name)) resource.refresh()
  }
}
export const live = new Live()
