// Asking the server: an answer, or the job that makes it, which can be watched and stopped.

import type { FeatureCollection } from 'geojson'

export type Row = Record<string, string | number | boolean | null>
export interface Source {
  ref: string
  title?: string
  published?: string
  quality?: string
}
export interface Answer<T = any> {
  data: T
  tables: Record<string, Row[]>
  sources: Source[]
  code: { command: string; python: string }
  explain: string[]
  marks: string[]
  geo: FeatureCollection | null
  said: Record<string, string>
  address: string
}
export interface Job {
  id: string
  state: 'running' | 'done' | 'cancelled' | 'failed'
  done: number
  total: number
  words: string
  error: string
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    detail: string,
    readonly fix = '',
  ) {
    super(detail)
  }
}

type Params = Record<string, string | number | boolean | string[] | null | undefined>

export function address(path: string, params: Params = {}): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== '' && one !== null && one !== undefined && one !== false) query.append(name, String(one))
  }
  const text = query.toString()
  return `/api/v1/${path}${text ? `?${text}` : ''}`
}

const kept = new Map<string, Answer>()
const wait = (ms: number) => new Promise((go) => setTimeout(go, ms))

// The answer to a question. `watch` is told of a long one's progress; `signal` stops it, here and on the server.
export async function ask<T>(
  path: string,
  params: Params,
  { signal, watch, token }: { signal?: AbortSignal; watch?: (job: Job) => void; token?: string } = {},
): Promise<Answer<T>> {
  const url = address(path, params)
  if (!token && kept.has(url)) return kept.get(url)!
  const headers: Record<string, string> = { Prefer: 'respond-async' }
  if (token) headers.Authorization = `Bearer ${token}`
  for (;;) {
    const reply = await fetch(url, { headers, signal })
    if (reply.status === 202) {
      await finished((await reply.json()) as Job, signal, watch)
      continue
    }
    const answer = { ...unfold(await read(reply)), address: url } as Answer<T>
    if (!token) {
      kept.set(url, answer)
      if (kept.size > 40) kept.delete(kept.keys().next().value!)
    }
    return answer
  }
}

async function finished(job: Job, signal?: AbortSignal, watch?: (job: Job) => void): Promise<void> {
  const url = `/api/v1/jobs/${job.id}`
  const stop = () => void fetch(url, { method: 'DELETE', keepalive: true })
  signal?.addEventListener('abort', stop)
  try {
    while (job.state === 'running') {
      watch?.(job)
      await wait(150)
      job = (await read(await fetch(url, { signal }))) as Job
    }
  } finally {
    signal?.removeEventListener('abort', stop)
  }
  if (job.state === 'failed') throw new Refused(400, '', job.error)
  if (job.state === 'cancelled') throw new DOMException('cancelled', 'AbortError')
}

export async function read(reply: Response): Promise<any> {
  if (reply.ok) return reply.json()
  const said = await reply.json().catch(() => ({}))
  throw new Refused(reply.status, said.title ?? reply.statusText, said.detail ?? '', said.fix ?? '')
}

// Tables come by column; rows are what a page shows.
function unfold(raw: any): Answer {
  const tables: Record<string, Row[]> = {}
  for (const [name, columns] of Object.entries((raw.tables ?? {}) as Record<string, Record<string, any[]>>)) {
    const names = Object.keys(columns)
    const length = names.length ? columns[names[0]!]!.length : 0
    tables[name] = Array.from({ length }, (_, i) => Object.fromEntries(names.map((k) => [k, columns[k]![i]])))
  }
  return { ...raw, tables }
}
