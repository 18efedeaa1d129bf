// The one door to the API: JSON in and out, the CSRF token with every change, problems as sentences.

export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    /** What went wrong in Thai; `detail` says in English which part of it. */
    readonly title_th = '',
    /** The sentence of this case in Thai, where the API has one. */
    readonly detail_th = '',
    /** What the API tells beside its sentence, by name. */
    readonly facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail)
  }

  get isOffline(): boolean {
    return this.status === 0
  }
}

export const BASE = '/api/v1'
let csrfToken = ''
let hasSignedOut = () => {}

export function setCsrfToken(token: string): void {
  csrfToken = token
}

/** Called when the API says 401 to something other than a sign-in. */
export function onSignedOut(listener: () => void): void {
  hasSignedOut = listener
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const body = (await response.json().catch(() => ({}))) as { detail?: unknown; title?: unknown; title_th?: unknown; detail_th?: unknown; facts?: Record<string, unknown> }
  const detail = typeof body.detail === 'string' ? body.detail : typeof body.title === 'string' ? body.title : ''
  const inThai = [body.title_th, body.detail_th].map((said) => (typeof said === 'string' ? said : '')) as [string, string]
  return new ApiProblem(response.status, detail || `HTTP ${response.status}`, ...inThai, body.facts ?? {})
}

async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (method !== 'GET') headers['X-CSRF-Token'] = csrfToken
  const isForm = body instanceof FormData || body instanceof Blob
  if (body !== undefined && !isForm) headers['Content-Type'] = 'application/json'
  const init: RequestInit = { method, headers, credentials: 'same-origin' }
  if (signal) init.signal = signal
  if (body !== undefined) init.body = isForm ? body : JSON.stringify(body)
  let response: Response
  try {
    response = await fetch(BASE + path, init)
  } catch {
    throw new ApiProblem(0, 'offline')
  }
  if (response.status === 401 && path !== '/session') hasSignedOut()
  if (!response.ok) throw await problemOf(response)
  if (response.status === 204) return undefined as T
  return (await response.json()) as T
}

/** An answer that `signal` cancelled fails like an offline one; who cancelled it looks at the signal. */
export const get = <T>(path: string, signal?: AbortSignal) => request<T>('GET', path, undefined, signal)
export const post = <T>(path: string, body: unknown = {}) => request<T>('POST', path, body)
export const put = <T>(path: string, body: unknown) => request<T>('PUT', path, body)
export const remove = <T>(path: string) => request<T>('DELETE', path)
