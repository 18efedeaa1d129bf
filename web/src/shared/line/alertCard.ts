// The card of an alert as residents get it. The API gives it ready-made where it can (`messages`); before that it is
// put together here from the same texts, in the form that line/messages.py gives its alert cards.
import type { Alert, FlexNode } from '../types'
import { t } from '../words.svelte'

const LOOKS = {
  0: { back: '#1B5E20', ink: '#FFFFFF', symbol: '✓' },
  1: { back: '#F9C846', ink: '#1F1F1F', symbol: '▲' },
  2: { back: '#B45309', ink: '#FFFFFF', symbol: '▲▲' },
  3: { back: '#A31621', ink: '#FFFFFF', symbol: '▲▲▲' },
} as const

const line = (text: string, look: Record<string, unknown> = {}): FlexNode => ({ type: 'text', text, wrap: true, color: '#1F1F1F', ...look })

export function alertCard(alert: Alert, language: string, isSimulated: boolean): FlexNode | null {
  const given = alert.messages?.[language]?.[0]?.contents
  if (given) return given
  const text = alert.texts[language]
  if (!text) return null
  const spoken = ['th', 'en', 'ms'].includes(language) ? language : 'en'
  const look = LOOKS[alert.kind === 'all_clear' ? 0 : alert.level]
  const level = alert.kind === 'all_clear' ? 0 : alert.level
  const paragraphs = text.situation ? [text.situation, text.action ?? ''] : text.body.split('\n')
  const contents = [line(text.title, { size: 'lg', weight: 'bold' }), ...paragraphs.filter(Boolean).map((p) => line(p))]
  if (isSimulated) contents.push(line(t(`card-simulated-${spoken}`), { size: 'xs', color: '#5A5A5A' }))
  const button = (label: string): FlexNode => ({ type: 'button', style: 'secondary', action: { type: 'postback', label } })
  return {
    type: 'bubble',
    header: {
      type: 'box',
      layout: 'vertical',
      backgroundColor: look.back,
      contents: [line(`${look.symbol} ${t(`card-level-${level}-${spoken}`)}`, { size: 'xl', weight: 'bold', color: look.ink })],
    },
    body: { type: 'box', layout: 'vertical', spacing: 'md', contents },
    footer: {
      type: 'box',
      layout: 'vertical',
      spacing: 'sm',
      contents: [button(t(`card-safe-${spoken}`)), button(t(`card-help-${spoken}`))],
    },
  }
}
