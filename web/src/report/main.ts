// The form is the server's and works without this; here it gets a map.
import { mount } from 'svelte'
import '../shared/look/fonts.css'
import '../shared/look/tokens.css'
import '../shared/look/base.css'
import './report.css'
import { get } from '../shared/api'
import type { City } from '../shared/types'
import SpotMap from './SpotMap.svelte'

const target = document.getElementById('spot-map')
if (target) {
  get<City>('/city').then(
    (city) => {
      target.hidden = false
      mount(SpotMap, { target, props: { city } })
    },
    () => {}, // Without a map the address says where.
  )
}
