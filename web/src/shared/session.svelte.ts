// Who is signed in on this browser.
import { ApiProblem, get, onSignedOut, post, remove, setCsrfToken } from './api'
import type { Account, Role } from './types'

type Answer = { account: Account; csrf_token: string }
const KEPT = 'faonam.account'

class Session {
  status = $state<'asking' | 'out' | 'in'>('asking')
  account = $state<Account | null>(null)
  /** The sign-in ran out, or was ended elsewhere: nobody pressed the button here. */
  hasRunOut = $state(false)

  constructor() {
    onSignedOut(() => {
      this.hasRunOut ||= this.status === 'in'
      this.end()
    })
  }

  private begin(answer: Answer): void {
    setCsrfToken(answer.csrf_token)
    this.account = answer.account
    this.status = 'in'
    this.hasRunOut = false
    localStorage.setItem(KEPT, JSON.stringify(answer))
  }

  private end(): void {
    this.account = null
    this.status = 'out'
    localStorage.removeItem(KEPT)
  }

  /**
   * Asks the API whether the last sign-in still counts; without a signal it is believed, so that a crew's list opens
   * offline. Where nobody has signed in, or the last one signed out, there is nothing to ask.
   */
  async restore(): Promise<void> {
    const kept = localStorage.getItem(KEPT)
    if (kept === null) return this.end()
    try {
      this.begin(await get<Answer>('/session'))
    } catch (problem) {
      if (problem instanceof ApiProblem && problem.status !== 401) this.begin(JSON.parse(kept) as Answer)
      else this.end()
    }
  }

  async signIn(username: string, password: string): Promise<void> {
    this.begin(await post<Answer>('/session', { username, password }))
  }

  async signOut(): Promise<void> {
    await remove('/session').catch(() => {})
    this.end()
    this.hasRunOut = false
  }

  /** No role includes another: the API asks for exactly one of these. */
  may(...roles: Role[]): boolean {
    return this.account?.roles.some((role) => roles.includes(role)) ?? false
  }
}
export const session = new Session()
