// What a crew told without a signal waits here, in the phone's own database, until the city has it.
import type { Job } from '../shared/types'

export type EventKind = 'accept' | 'depart' | 'arrive' | 'finish' | 'fail'
export type QueuedEvent = { client_event_id: string; job_id: number; kind: EventKind; at: string; note: string | null }
export type QueuedPhoto = { id: string; job_id: number; picture: Blob }

const NAME = 'faonam-crew'
let opened: Promise<IDBDatabase> | undefined

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('events', { keyPath: 'client_event_id' })
      request.result.createObjectStore('photos', { keyPath: 'id' })
      request.result.createObjectStore('kept')
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('The phone keeps nothing.'))
  })
  return opened
}

async function within<T>(store: string, mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const transaction = (await open()).transaction(store, mode)
  const request = act(transaction.objectStore(store))
  return new Promise((resolve, reject) => {
    // Only a finished transaction is on the phone's disk.
    transaction.oncomplete = () => resolve(request.result)
    transaction.onerror = () => reject(transaction.error ?? new Error('The phone kept nothing.'))
  })
}

/** A UUID of version 7: its order is the order of making, so the queue stays in order by its key. */
export function uuid7(now_ms = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const time = BigInt(Math.floor(now_ms))
  for (let index = 0; index < 6; index++) bytes[index] = Number((time >> BigInt(8 * (5 - index))) & 0xffn)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export const addEvent = (event: QueuedEvent) => within('events', 'readwrite', (store) => store.put(event))
export const events = () => within<QueuedEvent[]>('events', 'readonly', (store) => store.getAll() as IDBRequest<QueuedEvent[]>)
export const dropEvent = (id: string) => within('events', 'readwrite', (store) => store.delete(id))
export const addPhoto = (photo: QueuedPhoto) => within('photos', 'readwrite', (store) => store.put(photo))
export const photos = () => within<QueuedPhoto[]>('photos', 'readonly', (store) => store.getAll() as IDBRequest<QueuedPhoto[]>)
export const dropPhoto = (id: string) => within('photos', 'readwrite', (store) => store.delete(id))
export const keepJobs = (crew: string, jobs: Job[]) => within('kept', 'readwrite', (store) => store.put(jobs, `jobs ${crew}`))
export const keptJobs = (crew: string) =>
  within<Job[] | undefined>('kept', 'readonly', (store) => store.get(`jobs ${crew}`) as IDBRequest<Job[] | undefined>)
