// The officer's inbox: what is wanted of it, the page that is open, what is chosen, and what its keys do.
import { SvelteMap } from 'svelte/reactivity'
import { ApiProblem, get, post, put, remove } from '../shared/api'
import { Resource } from '../shared/live.svelte'
import { number } from '../shared/format'
import { refusalWords } from '../shared/refused'
import { session } from '../shared/session.svelte'
import type { Agency, Incident, IncidentState, Names } from '../shared/types'
import { named, t } from '../shared/words.svelte'
import { desk } from './desk.svelte'
import { choiceOf, EVERYTHING, questionOf, wantedOf, type Choice, type Wanted } from './inboxWanted'
import { keyOf } from './keys'

export type InboxRow = Incident & { is_near: boolean; is_waiting: boolean; may_be_same: boolean }
export type Counts = { wanted: number; counted_to: number; by: Record<string, Record<string, number>> }
export type SavedFilter = { id: number; name: string; wanted: Wanted; is_default: boolean; is_own: boolean; is_shared: boolean }
export type Deed = 'accept' | 'send_on' | 'reject' | 'done' | 'category' | 'agency'
export type Outcome = { done: number[]; refused: { id: number; number: string; why: Names; state: IncidentState | null }[] }
type Category = Incident['category']

export const DEEDS: Record<Deed, string> = { accept: 'a', send_on: 's', reject: 'r', done: 'd', category: 'c', agency: 'g' }
const NEWS = ['incidents.', 'dispatch.']
const PAGE = 50
const SHORTCUTS = 'faonam.inbox-keys'

class Inbox {
  choice = $state<Choice>({ ...EVERYTHING })
  /** The marks of the pages before this one; the last is where this one begins. */
  private marks = $state<string[]>([])
  readonly chosen = new SvelteMap<number, IncidentState>()
  /** The row that Tab reaches. */
  at = $state<number | null>(null)
  asked = $state<Deed | null>(null)
  isHelpOpen = $state(false)
  hasKeys = $state(localStorage.getItem(SHORTCUTS) !== 'off')
  /** What a screen reader is told. */
  said = $state('')
  filters = $state.raw<{ desk: string | null; filters: SavedFilter[] }>({ desk: null, filters: [] })
  categories = $state.raw<Category[]>([])
  agencies = $state.raw<Agency[]>([])
  private hasBegun = false

  readonly wanted = $derived(wantedOf(this.choice))
  readonly page = new Resource<{ incidents: InboxRow[]; next: string | null }>(
    () => `/inbox?${questionOf(this.wanted, { order: this.choice.order, after: this.marks.at(-1) ?? '', limit: PAGE })}`, NEWS,
  )
  readonly counts = new Resource<Counts>(() => `/inbox/counts?${questionOf(this.wanted)}`, NEWS, 5000)

  readonly rows = $derived(this.page.data?.incidents ?? [])
  readonly pageNumber = $derived(this.marks.length + 1)
  readonly mayAct = $derived(session.may('officer', 'dispatcher', 'admin'))
  readonly mayKeep = $derived(session.may('officer', 'approver', 'dispatcher', 'admin'))
  /** With which incidents a deed is done: the chosen ones, or else the one that lies open or that the keyboard is at. */
  readonly meant = $derived.by<{ id: number; seen: IncidentState }[]>(() => {
    if (this.chosen.size) return [...this.chosen].map(([id, seen]) => ({ id, seen }))
    const row = this.rows.find((one) => one.id === (this.at ?? desk.picked.incidents))
    return row ? [{ id: row.id, seen: row.state }] : []
  })

  /** Lists for the choices, and the officer's own default, once. */
  async begin(): Promise<void> {
    if (this.hasBegun) return
    this.hasBegun = true
    const [categories, agencies] = await Promise.all([
      get<{ categories: Category[] }>('/categories').catch(() => null), get<{ agencies: Agency[] }>('/agencies').catch(() => null),
    ])
    this.categories = categories?.categories ?? []
    this.agencies = agencies?.agencies ?? []
    if (this.mayKeep) this.filters = await get<typeof this.filters>('/inbox/filters').catch(() => this.filters)
    const first = this.filters.filters.find((one) => one.is_default)
    if (first) this.want(choiceOf(first.wanted))
  }

  want(change: Partial<Choice>): void {
    this.choice = { ...this.choice, ...change }
    this.marks = []
    this.chosen.clear()
    this.at = null
    void this.page.load()
    void this.counts.load()
  }

  turn(by: 1 | -1): void {
    const next = this.page.data?.next
    if (by > 0 && next) this.marks = [...this.marks, next]
    else if (by < 0 && this.marks.length) this.marks = this.marks.slice(0, -1)
    else return
    this.at = null
    this.say(t('inbox-page', { page: number(this.pageNumber) }))
    void this.page.load().then(() => this.goTo(by > 0 ? 0 : this.rows.length - 1))
  }

  say(sentence: string): void {
    this.said = sentence
  }

  switchKeys(): void {
    this.hasKeys = !this.hasKeys
    localStorage.setItem(SHORTCUTS, this.hasKeys ? 'on' : 'off')
  }

  // ── Choosing ────────────────────────────────────────────────────────────────────────────────────────────────────

  choose(row: InboxRow): void {
    if (!this.chosen.delete(row.id)) this.chosen.set(row.id, row.state)
    this.sayChosen()
  }

  /** All rows from the one that the keyboard is at to this one. */
  chooseTo(row: InboxRow): void {
    const [from, to] = [this.rows.findIndex((one) => one.id === this.at), this.rows.indexOf(row)].sort((a, b) => a - b)
    for (const one of this.rows.slice(Math.max(0, from ?? 0), (to ?? 0) + 1)) this.chosen.set(one.id, one.state)
    this.sayChosen()
  }

  async chooseAll(): Promise<void> {
    const all = await get<{ chosen: { id: number; state: IncidentState }[]; most: number; is_cut: boolean }>(`/inbox/chosen?${questionOf(this.wanted)}`).catch(
      (problem: ApiProblem) => this.say(refusalWords(problem)),
    )
    if (!all) return
    this.chosen.clear()
    for (const one of all.chosen) this.chosen.set(one.id, one.state)
    if (all.is_cut) this.say(t('inbox-chosen-cut', { count: number(all.most) }))
    else this.sayChosen()
  }

  private sayChosen(): void {
    this.say(t('inbox-chosen', { count: number(this.chosen.size) }))
  }

  // ── Deeds ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** One accepted with its key is accepted at once; everything else is asked first. */
  async ask(deed: Deed): Promise<void> {
    if (!this.mayAct || !this.meant.length) return
    if (deed !== 'accept' || this.meant.length > 1) {
      this.asked = deed
      return
    }
    try {
      const { done, refused } = await this.act({ action: 'accept', incidents: this.meant })
      this.say(done.length ? t('inbox-done', { done: number(done.length), refused: number(0) }) : named(refused[0]?.why))
    } catch (problem) {
      if (!(problem instanceof ApiProblem)) throw problem
      this.say(refusalWords(problem))
    }
  }

  async act(body: { action: Deed; incidents: { id: number; seen: IncidentState }[]; reason?: string; to?: string }): Promise<Outcome> {
    const outcome = await post<Outcome>('/inbox/deeds', body)
    for (const id of outcome.done) this.chosen.delete(id)
    // Whoever has read why it refused has seen it as it is: trying again is not refused for the same reason for ever.
    for (const one of outcome.refused) if (one.state && this.chosen.has(one.id)) this.chosen.set(one.id, one.state)
    await Promise.all([this.page.load(), this.counts.load(), desk.incidentsSeen.load(), desk.incidentDetail.load(), desk.incidentPromise.load()])
    return outcome
  }

  // ── Named filters ───────────────────────────────────────────────────────────────────────────────────────────────

  async keep(name: string, is_default: boolean, is_shared: boolean): Promise<void> {
    this.filters = await put('/inbox/filters', { name, wanted: this.wanted, is_default, is_shared })
  }

  async sitAt(agency: string): Promise<void> {
    this.filters = await put('/inbox/desk', { agency: agency || null })
  }

  async forget(id: number): Promise<void> {
    await remove(`/inbox/filters/${id}`)
    this.filters = { ...this.filters, filters: this.filters.filters.filter((one) => one.id !== id) }
  }

  // ── Keys ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Does what the key means in the inbox; false where it means nothing here. */
  press(event: KeyboardEvent): boolean {
    const target = event.target as HTMLElement
    if (target.closest('.maplibregl-map')) return false
    const key = keyOf(event)
    const row = this.rows.find((one) => one.id === this.at)
    const isOnRow = target.matches('[data-testid=incident-row]')
    if (isOnRow && key === ' ' && row && this.mayAct) this.choose(row)
    else if (isOnRow && key === 'Enter' && row && desk.picked.incidents !== row.id) desk.pick('incidents', row.id, row.place)
    else if (isOnRow && (key === 'Home' || key === 'End')) this.goTo(key === 'Home' ? 0 : this.rows.length - 1)
    else if (key === 'ArrowDown' || key === 'ArrowUp') this.step(key === 'ArrowDown' ? 1 : -1, event.shiftKey)
    else if (!this.hasKeys) return false
    else if (key === 'j' || key === 'k') this.step(key === 'j' ? 1 : -1, event.shiftKey)
    else if (key === 'x' && row && this.mayAct) this.choose(row)
    else if (key === 'n') document.getElementById('incident-note')?.focus()
    else if (key === '/') document.getElementById('inbox-words')?.focus()
    else if (key === '?') this.isHelpOpen = true
    else {
      const deed = (Object.keys(DEEDS) as Deed[]).find((name) => DEEDS[name] === key)
      if (!deed || !this.mayAct || event.shiftKey) return false
      void this.ask(deed)
    }
    event.preventDefault()
    return true
  }

  private step(by: 1 | -1, isChoosing: boolean): void {
    const index = this.rows.findIndex((one) => one.id === this.at)
    const next = index < 0 ? 0 : index + by
    if (next < 0 || next >= this.rows.length) return this.turn(by)
    const [from, to] = [this.rows[index], this.rows[next]]
    if (isChoosing && this.mayAct && from && to) for (const one of [from, to]) this.chosen.set(one.id, one.state)
    if (isChoosing) this.sayChosen()
    this.goTo(next)
  }

  goTo(index: number): void {
    const row = this.rows[index]
    if (!row) return
    this.at = row.id
    // The row of a page that has just come is not drawn yet.
    const focus = () => (document.querySelector<HTMLElement>(`[data-testid=incident-row][data-id='${row.id}']`)?.focus(), document.activeElement)
    if (focus()?.getAttribute('data-id') !== String(row.id)) requestAnimationFrame(focus)
  }
}

export const inbox = new Inbox()
