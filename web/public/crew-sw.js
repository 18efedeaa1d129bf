// Keeps the crew's page, its files and the map tiles that were seen, so that the list opens without a signal.
const KEPT = 'faonam-crew-1'
const TILES = 'faonam-crew-tiles-1'
const TILES_LIMIT = 600

self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

async function networkFirst(request) {
  const cache = await caches.open(KEPT)
  try {
    const answer = await fetch(request)
    if (answer.ok) await cache.put(request, answer.clone())
    return answer
  } catch (problem) {
    const kept = await cache.match(request, { ignoreSearch: true })
    if (kept) return kept
    throw problem
  }
}

async function keptFirst(request, name) {
  const cache = await caches.open(name)
  const kept = await cache.match(request)
  if (kept) return kept
  const answer = await fetch(request)
  if (answer.ok && answer.status === 200) await cache.put(request, answer.clone())
  if (name === TILES) {
    const keys = await cache.keys()
    if (keys.length > TILES_LIMIT) await cache.delete(keys[0])
  }
  return answer
}

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (event.request.method !== 'GET' || url.origin !== location.origin) return
  if (url.pathname.startsWith('/assets/')) event.respondWith(keptFirst(event.request, KEPT))
  else if (url.pathname.startsWith('/api/v1/tiles/')) event.respondWith(keptFirst(event.request, TILES))
  else if (['/crew', '/favicon.svg', '/crew.webmanifest'].includes(url.pathname)) event.respondWith(networkFirst(event.request))
})
