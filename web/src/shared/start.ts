// What every screen does before it is drawn.
import { mount, type Component } from 'svelte'
import './look/fonts.css'
import './look/tokens.css'
import './look/base.css'

export function start(App: Component): void {
  const target = document.getElementById('app')
  if (!target) throw new Error('The page has no #app.')
  mount(App, { target })
}
