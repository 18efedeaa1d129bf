// The desk by keys alone: digits open panels, arrows walk through rows and time, Enter goes into a paper, Esc out of it.
import { desk, MODES } from './desk.svelte'
import { inbox } from './inbox.svelte'
import { isTyping, keyOf } from './keys'
import { moment } from './moment.svelte'

/** What a key does on the desk; `list` is the column of rows, `goBack` puts the keyboard where a paper was opened. */
export function pressOnDesk(event: KeyboardEvent, list: HTMLElement, goBack: () => void): void {
  const target = event.target as HTMLElement
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === 'Escape') return leave(target, goBack)
  if (isTyping(target)) return
  if (desk.mode === 'incidents' && inbox.press(event)) return
  // The first Enter opens a row's paper, the next one goes into it.
  const paper = desk.isDetailOpen ? document.querySelector<HTMLElement>('aside.detail button') : null
  if (event.key === 'Enter' && paper && target.matches('[data-row][aria-current]')) {
    event.preventDefault()
    paper.focus()
    return
  }
  const key = keyOf(event)
  const mode = MODES[Number(key) - 1]
  if (mode) {
    desk.show(mode)
    list.scrollTop = 0
  } else if (key === 'ArrowLeft' || key === 'ArrowRight') {
    if (target.closest('.maplibregl-map')) return
    event.preventDefault()
    moment.step(key === 'ArrowLeft' ? -1 : 1)
  } else if (key === 'Home') {
    event.preventDefault()
    void moment.choose(null)
  } else if (key === '/') {
    event.preventDefault()
    document.getElementById('search')?.focus()
  } else if (key === 'ArrowDown' || key === 'ArrowUp') {
    if (target.closest('.maplibregl-map')) return
    event.preventDefault()
    step(list, key === 'ArrowDown' ? 1 : -1)
  }
}

function leave(target: HTMLElement, goBack: () => void): void {
  if (isTyping(target)) {
    empty(target)
    return target.blur()
  }
  if (desk.exposed === null && desk.beside) {
    desk.beside = null
    return
  }
  if (desk.exposed !== null) desk.exposed = null
  else desk.isDetailOpen = false
  goBack()
}

// The browser empties a search box at Esc, and tells nobody once the box has lost the keyboard.
function empty(target: HTMLElement): void {
  if (!(target instanceof HTMLInputElement) || target.type !== 'search' || !target.value) return
  target.value = ''
  target.dispatchEvent(new Event('input', { bubbles: true }))
}

function step(list: HTMLElement, by: number): void {
  const rows = [...list.querySelectorAll<HTMLElement>('[data-row]')]
  const at = rows.indexOf(document.activeElement as HTMLElement)
  rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))]?.focus()
}
