// A crew's jobs as the phone knows them: the city's answer, and on top of it what was told but has not arrived yet.
import { ApiProblem, get, post } from '../shared/api'
import { refusalWords } from '../shared/refused'
import { clock } from '../shared/clock.svelte'
import { live, Resource } from '../shared/live.svelte'
import { session } from '../shared/session.svelte'
import type { Job, JobState } from '../shared/types'
import * as queue from './queue'
import type { EventKind, QueuedEvent } from './queue'

const AFTER: Record<EventKind, JobState> = {
  accept: 'accepted', depart: 'en_route', arrive: 'on_scene', finish: 'done', fail: 'failed',
}
const HEIGHT: Record<JobState, number> = {
  open: 0, assigned: 1, accepted: 2, en_route: 3, on_scene: 4, done: 5, failed: 5, cancelled: 6,
}
export const NEXT: Partial<Record<JobState, EventKind>> = {
  assigned: 'accept', accepted: 'depart', en_route: 'arrive', on_scene: 'finish',
}
const RETRY_MS = 8_000

class Work {
  private readonly answer = new Resource<{ jobs: Job[] }>(() => '/crew/jobs', ['dispatch.', 'incidents.'])
  private kept = $state.raw<Job[]>([])
  waiting = $state.raw<QueuedEvent[]>([])
  photosWaiting = $state(0)
  refused = $state<string[]>([])
  isOffline = $state(!navigator.onLine)
  hasAsked = $state(false)
  private isSending = false
  private isAskedAgain = false

  get crewCode(): string {
    return session.account?.crew_code ?? ''
  }

  readonly known = $derived(this.answer.data?.jobs ?? this.kept)
  readonly jobs = $derived(
    this.known
      .map((job) => ({ ...job, state: this.stateOf(job) }))
      .sort((a, b) => HEIGHT[b.state] % 5 - (HEIGHT[a.state] % 5) || a.tier - b.tier || b.score - a.score),
  )
  readonly live = $derived(this.jobs.filter((job) => HEIGHT[job.state] >= 1 && HEIGHT[job.state] < 5))
  readonly problem = $derived(this.known.length === 0 ? this.answer.problem : null)

  /** The highest step told: a late or repeated event moves nothing back. */
  private stateOf(job: Job): JobState {
    return this.waiting
      .filter((event) => event.job_id === job.id)
      .map((event) => AFTER[event.kind])
      .reduce((state, next) => (HEIGHT[next] > HEIGHT[state] ? next : state), job.state)
  }

  open(): () => void {
    const release = live.keep(this.answer)
    void queue.keptJobs(this.crewCode).then((jobs) => (this.kept = jobs ?? []))
    void this.look().then(() => this.send())
    const timer = setInterval(() => void this.send(), RETRY_MS)
    const online = () => {
      this.isOffline = !navigator.onLine
      void this.send()
    }
    addEventListener('online', online)
    addEventListener('offline', online)
    const stop = $effect.root(() => {
      $effect(() => {
        if (this.answer.data) void queue.keepJobs(this.crewCode, this.answer.data.jobs)
        if (this.answer.data || this.answer.problem) this.hasAsked = true
        if (this.answer.problem?.isOffline) this.isOffline = true
      })
    })
    return () => {
      release()
      stop()
      clearInterval(timer)
      removeEventListener('online', online)
      removeEventListener('offline', online)
    }
  }

  refresh(): Promise<void> {
    return this.answer.load()
  }

  async tell(job: Job, kind: EventKind, note: string | null = null, picture: Blob | null = null): Promise<void> {
    const at = new Date(clock.now_ms).toISOString()
    await queue.addEvent({ client_event_id: queue.uuid7(), job_id: job.id, kind, at, note })
    if (picture) await queue.addPhoto({ id: queue.uuid7(), job_id: job.id, picture })
    await this.look()
    await this.send()
  }

  async addPhoto(job: Job, picture: Blob): Promise<void> {
    await queue.addPhoto({ id: queue.uuid7(), job_id: job.id, picture })
    await this.look()
    await this.send()
  }

  private async look(): Promise<void> {
    this.waiting = await queue.events()
    this.photosWaiting = (await queue.photos()).length
  }

  /** Sends what waits, oldest first. Only the city's own "no" drops something; everything else is tried again. */
  async send(): Promise<void> {
    if (this.isSending) {
      this.isAskedAgain = true
      return
    }
    this.isSending = true
    try {
      await this.sendAll()
    } catch (problem) {
      if (!(problem instanceof ApiProblem)) throw problem
      this.isOffline = problem.isOffline || problem.status >= 500
    } finally {
      this.isSending = false
    }
    if (this.isAskedAgain) {
      this.isAskedAgain = false
      await this.send()
    }
  }

  private async sendAll(): Promise<void> {
    const events = await queue.events()
    for (const { job_id, ...event } of events) {
      await this.attempt(() => post(`/jobs/${job_id}/events`, event))
      await queue.dropEvent(event.client_event_id)
    }
    const photos = await queue.photos()
    for (const photo of photos) {
      const form = new FormData()
      form.append('file', photo.picture, 'photo.jpg')
      await this.attempt(() => post(`/jobs/${photo.job_id}/photos`, form))
      await queue.dropPhoto(photo.id)
    }
    if (events.length || photos.length) await this.answer.load()
    else if (this.isOffline) await get('/clock')
    await this.look()
    this.isOffline = false
  }

  private async attempt(send: () => Promise<unknown>): Promise<void> {
    try {
      await send()
    } catch (problem) {
      if (!(problem instanceof ApiProblem)) throw problem
      const isFinal = problem.status >= 400 && problem.status < 500 && ![401, 403, 408, 429].includes(problem.status)
      if (!isFinal) throw problem
      this.refused = [...this.refused, refusalWords(problem)]
    }
  }
}

export const work = new Work()
