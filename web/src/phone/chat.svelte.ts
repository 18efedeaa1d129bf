// A resident's chat with the city, on the LINE stand-in of this machine.
import { get } from '../shared/api'
import type { LineAction, LineMessage } from '../shared/types'

export type StandinUser = { user_id: string; display_name: string; language: string | null; is_friend: boolean; is_blocked: boolean; last_message_at: string | null }
export type Bubble = { id: number; direction: 'in' | 'out'; at: string; request_id: string | null; kind: string | null; message: LineMessage }
type Bounds = { x: number; y: number; width: number; height: number }
export type RichMenu = {
  richMenuId?: string
  name: string
  chatBarText: string
  size: { width: number; height: number }
  areas: { label: string; action: LineAction; bounds: Bounds }[]
}

export class Chat {
  user = $state.raw<StandinUser | null>(null)
  bubbles = $state.raw<Bubble[]>([])
  menu = $state.raw<RichMenu | null>(null)
  hasFailed = $state(false)
  isSending = $state(false)
  isCityTyping = $state(false)
  private typing: ReturnType<typeof setTimeout> | undefined
  private source: EventSource | undefined

  constructor(private readonly standin: string) {}

  private address(path: string): string {
    return `${this.standin}/_standin${path}`
  }

  private async ask<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await fetch(this.address(path), init)
    if (!response.ok) throw new Error(`${response.status}`)
    return (await response.json()) as T
  }

  contentOf(bubble: Bubble): string {
    const url = bubble.message.originalContentUrl ?? bubble.message.previewImageUrl
    return url ?? this.address(`/content/${bubble.message.id}`)
  }

  users(words: string): Promise<{ total: number; users: StandinUser[] }> {
    return this.ask(`/users?limit=40&q=${encodeURIComponent(words)}`)
  }

  async open(user_id: string): Promise<void> {
    this.close()
    try {
      this.user = await this.ask<StandinUser>(`/users/${user_id}`)
      const { messages, last_id } = await this.ask<{ messages: Bubble[]; last_id: number }>(`/users/${user_id}/messages?limit=200`)
      this.bubbles = messages
      await this.renewMenu()
      this.listen(user_id, last_id)
      this.hasFailed = false
    } catch {
      this.hasFailed = true
    }
  }

  // The city may have linked another menu to this resident since.
  async renewMenu(): Promise<void> {
    this.menu = await this.ask<RichMenu>(`/users/${this.user?.user_id}/rich-menu`).catch(() => null)
  }

  pictureOf = (menu_id: string): string => this.address(`/rich-menus/${menu_id}/picture`)

  // LINE counts what is tapped; the city hears nothing of it.
  count(subject: string, part: string): void {
    void this.ask(`/users/${this.user?.user_id}/send`, {
      method: 'POST',
      body: JSON.stringify({ type: 'tap', subject, part }),
      headers: { 'Content-Type': 'application/json' },
    }).catch(() => undefined)
  }

  private showTyping(seconds: number): void {
    clearTimeout(this.typing)
    this.isCityTyping = seconds > 0
    if (seconds > 0) this.typing = setTimeout(() => (this.isCityTyping = false), seconds * 1000)
  }

  private listen(user_id: string, after: number): void {
    const source = new EventSource(this.address(`/users/${user_id}/live?after=${after}`))
    source.addEventListener('message', (event: MessageEvent<string>) => {
      const bubble = JSON.parse(event.data) as Bubble
      if (bubble.direction === 'out') this.showTyping(0)
      if (!this.bubbles.some((known) => known.id === bubble.id)) this.bubbles = [...this.bubbles, bubble]
    })
    source.addEventListener('loading', (event: MessageEvent<string>) => this.showTyping((JSON.parse(event.data) as { loading_s: number }).loading_s))
    this.source = source
  }

  close(): void {
    this.source?.close()
    this.source = undefined
    this.bubbles = []
    this.showTyping(0)
  }

  async send(body: object | FormData): Promise<void> {
    if (!this.user) return
    this.isSending = true
    const isForm = body instanceof FormData
    try {
      await this.ask(`/users/${this.user.user_id}/send`, {
        method: 'POST',
        ...(isForm ? { body } : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      })
      this.hasFailed = false
    } catch {
      this.hasFailed = true
    } finally {
      this.isSending = false
    }
  }

  /** Where a link leads as LINE opens it: the city's page inside LINE learns from LINE who opened it. */
  async addressOf(uri: string): Promise<string> {
    if (!this.user || new URL(uri).pathname !== '/liff') return uri
    try {
      const { channel_id } = await get<{ channel_id: string }>('/resident/page')
      const { id_token } = await this.ask<{ id_token: string }>(`/users/${this.user.user_id}/id-token`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ client_id: channel_id, life_s: 3600 }),
      })
      return `${uri}#id_token=${id_token}`
    } catch {
      return uri // The page itself says that it has to be opened from the chat.
    }
  }

  sendText = (text: string) => this.send({ type: 'text', text })
  sendPlace = (latitude: number, longitude: number) => this.send({ type: 'location', latitude, longitude })
  sendPicture(picture: Blob): Promise<void> {
    const form = new FormData()
    form.append('type', 'image')
    form.append('file', picture, 'photo.jpg')
    return this.send(form)
  }
  sendPostback = (action: LineAction) =>
    this.send({ type: 'postback', data: action.data ?? '', ...(action.displayText ? { displayText: action.displayText } : {}) })
  async switchMenu(action: LineAction): Promise<void> {
    await this.send({ type: 'richmenuswitch', richMenuAliasId: action.richMenuAliasId, data: action.data })
    await this.renewMenu()
  }
  befriend = () => this.ask(`/users/${this.user?.user_id}/follow`, { method: 'POST' }).then(() => this.user && this.open(this.user.user_id))
}
