// How the page learns whose it is: LINE's raw ID token goes to the city, which asks LINE. Nothing else is sent or kept.
import { ApiProblem, get, setCsrfToken } from '../shared/api'
import type { LonLat, Names } from '../shared/types'
import type { Tongue } from './words.svelte'

export type Home = {
  id: number
  place: LonLat
  name: string | null
  is_main: boolean
  is_approximate: boolean
  community: Names | null
  needs: string[]
}
export type Consent = { purpose: 'warnings' | 'needs' | 'news'; version: string; text: string; is_given: boolean; is_outdated: boolean }
export type Me = {
  number: number
  language: Tongue
  csrf_token: string
  is_identity_checked: boolean
  groups: Names[]
  consents: Consent[]
  homes: Home[]
  homes_limit: number
  needs: { code: string; name: string }[]
  communities: { code: string; name: Names }[]
  areas: string[]
  areas_limit: number
}
type Liff = { init(given: { liffId: string }): Promise<void>; isLoggedIn(): boolean; login(): void; getIDToken(): string | null }

/** Why the page does not open; each has a sentence of its own. */
export class Refused extends Error {
  constructor(readonly reason: string) {
    super(reason)
  }
}

async function idToken(): Promise<string | null> {
  const given = new URLSearchParams(location.hash.slice(1)).get('id_token')
  if (given) {
    // A token in the address would be kept by the history of the phone.
    history.replaceState(null, '', location.pathname)
    return given
  }
  const page = await get<{ liff_id: string | null; sdk: string | null }>('/resident/page')
  if (!page.liff_id || !page.sdk) return null
  const liff = await loaded(page.sdk)
  await liff.init({ liffId: page.liff_id })
  if (!liff.isLoggedIn()) liff.login()
  return liff.getIDToken()
}

function loaded(address: string): Promise<Liff> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = address
    script.onload = () => resolve((window as unknown as { liff: Liff }).liff)
    script.onerror = () => reject(new Refused('offline'))
    document.head.append(script)
  })
}

async function open(token: string): Promise<void> {
  const answer = await fetch('/api/v1/resident/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    credentials: 'same-origin',
    body: JSON.stringify({ id_token: token }),
  }).catch(() => null)
  if (!answer) throw new Refused('offline')
  if (answer.ok) return
  const body = (await answer.json().catch(() => ({}))) as { facts?: { reason?: unknown } }
  const reason = String(body.facts?.reason ?? '')
  // The page was only loaded again: the cookie of its first opening still says whose it is.
  if (reason !== 'used') throw new Refused(answer.status === 401 ? reason || 'forged' : 'away')
}

/** Everything that the page shows. Throws Refused. */
export async function enter(): Promise<Me> {
  try {
    const token = await idToken()
    if (token) await open(token)
    return remember(await get<Me>('/resident/me'))
  } catch (problem) {
    if (problem instanceof Refused) throw problem
    if (problem instanceof ApiProblem) throw new Refused(problem.isOffline ? 'offline' : problem.status === 401 ? 'closed' : 'away')
    throw problem
  }
}

export function remember(me: Me): Me {
  setCsrfToken(me.csrf_token)
  return me
}
