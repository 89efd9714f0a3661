// A question that follows the address: asked again when its parameters change, the last answer shown meanwhile.
import { ask, Refused, type Answer, type Job } from './api'
import { learn, spoken } from './words.svelte'

type Params = Parameters<typeof ask>[1]

export class Asked<T = any> {
  answer = $state.raw<Answer<T> | null>(null)
  error = $state.raw<Refused | null>(null)
  job = $state.raw<Job | null>(null)
  busy = $state(false)
  stopped = $state(false)
  #abort: AbortController | null = null
  #again = $state(0)

  // `question` reads the address; it gives null where there is nothing to ask yet.
  constructor(question: () => { path: string; params: Params; token?: string } | null) {
    $effect(() => {
      const q = question()
      void this.#again
      if (!q) return
      const abort = new AbortController()
      this.#abort = abort
      this.busy = true
      this.stopped = false
      this.error = null
      const lang = q.token || spoken() === 'en' ? '' : spoken()
      ask<T>(q.path, { ...q.params, lang }, { signal: abort.signal, token: q.token, watch: (job) => (this.job = job) })
        .then((answer) => {
          if (abort.signal.aborted) return
          learn(answer.said)
          this.answer = answer
        })
        .catch((bad: unknown) => {
          if (abort.signal.aborted) return
          if (bad instanceof Refused) this.error = bad
          else if (bad instanceof DOMException && bad.name === 'AbortError') this.stopped = true
          else this.error = new Refused(0, '', String(bad))
        })
        .finally(() => {
          if (!abort.signal.aborted) {
            this.busy = false
            this.job = null
          }
        })
      return () => abort.abort()
    })
  }

  cancel() {
    this.#abort?.abort()
    this.busy = false
    this.job = null
    this.stopped = true
  }

  again() {
    this.#again += 1
  }
}
