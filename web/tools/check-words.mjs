// Both languages have the same keys, once each, with the same slots, and every key that a screen names exists.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FluentResource } from '@fluent/bundle'

const root = new URL('../src/', import.meta.url).pathname
const slotsIn = (part) => (JSON.stringify(part).match(/"type":"var","name":"[a-z_]+"/g) ?? []).map((slot) => slot.slice(20, -1))
const faults = []
const load = (language, screen = 'shared') => {
  const found = new Map()
  for (const entry of new FluentResource(readFileSync(join(root, `${screen}/locales/${language}.ftl`), 'utf8')).body) {
    if (found.has(entry.id)) faults.push(`${language}.ftl says ${entry.id} twice`)
    found.set(entry.id, [...new Set(slotsIn(entry.value))].sort().join())
  }
  return found
}
const [th, en] = [load('th'), load('en')]
for (const [key, slots] of th) {
  if (!en.has(key)) faults.push(`en.ftl lacks ${key}`)
  else if (en.get(key) !== slots) faults.push(`${key} has other slots in Thai (${slots}) than in English (${en.get(key)})`)
}
for (const key of en.keys()) if (!th.has(key)) faults.push(`th.ftl lacks ${key}`)

const files = readdirSync(root, { recursive: true }).filter((name) => /\.(svelte|ts)$/.test(name))
const sources = files.map((name) => readFileSync(join(root, name), 'utf8')).join('\n')
const literals = new Set([...sources.matchAll(/['"`]([a-z][a-z0-9_-]*)['"`]/g)].map((match) => match[1]))
const prefixes = [...sources.matchAll(/`([a-z][a-z-]*-)\$\{/g)].map((match) => match[1])
prefixes.push(...[...sources.matchAll(/codeWord\('([a-z-]+)'/g)].map((match) => `${match[1]}-`))
for (const match of sources.matchAll(/\bt\('([a-z0-9_-]+)'/g)) if (!th.has(match[1])) faults.push(`no words for ${match[1]}`)
for (const key of th.keys())
  if (!literals.has(key) && !prefixes.some((prefix) => key.startsWith(prefix))) faults.push(`nothing says ${key}`)

// The residents' page speaks four languages, with the same keys and slots in each.
const ours = load('th', 'liff')
for (const language of ['en', 'ms', 'my']) {
  const other = load(language, 'liff')
  for (const key of new Set([...ours.keys(), ...other.keys()]))
    if (ours.get(key) !== other.get(key)) faults.push(`liff/locales/${language}.ftl says ${key} otherwise than th.ftl, or not at all`)
}
const liff = files.filter((name) => name.startsWith('liff/')).map((name) => readFileSync(join(root, name), 'utf8')).join('\n')
const spoken = [...liff.matchAll(/`([a-z][a-z-]*-)\$\{/g)].map((match) => match[1])
for (const match of liff.matchAll(/\bsay\('([a-z0-9_-]+)'/g)) if (!ours.has(match[1])) faults.push(`no words for ${match[1]} in liff`)
for (const key of ours.keys())
  if (!liff.includes(`'${key}'`) && !spoken.some((prefix) => key.startsWith(prefix))) faults.push(`nothing says ${key} in liff`)

for (const fault of faults) console.error(fault)
console.log(`${th.size} keys in two languages, ${faults.length} faults`)
process.exit(faults.length ? 1 : 0)
