// Day and night: as the device says until a person chooses.
export type Theme = 'day' | 'night'
const STORED = 'faonam.theme'

class ThemeChoice {
  theme = $state<Theme>('day')
  private readonly dark = matchMedia('(prefers-color-scheme: dark)')

  constructor() {
    this.follow()
    this.dark.addEventListener('change', () => this.follow())
  }

  private follow(): void {
    const chosen = localStorage.getItem(STORED)
    this.show(chosen === 'day' || chosen === 'night' ? chosen : this.dark.matches ? 'night' : 'day')
  }

  private show(theme: Theme): void {
    this.theme = theme
    document.documentElement.dataset.theme = theme
  }

  toggle(): void {
    const next = this.theme === 'day' ? 'night' : 'day'
    localStorage.setItem(STORED, next)
    this.show(next)
  }
}
export const theme = new ThemeChoice()
export const isStill = () => matchMedia('(prefers-reduced-motion: reduce)').matches
