// Where the reader is: the view is the path, every control a parameter. A copied address restores it all.

type Changes = Record<string, string | number | boolean | null | undefined>

class Place {
  path = $state(location.pathname)
  #query = $state(location.search)
  params = $derived(new URLSearchParams(this.#query))

  constructor() {
    addEventListener('popstate', () => this.#read())
  }

  #read() {
    this.path = location.pathname
    this.#query = location.search
  }

  get(name: string, usual = ''): string {
    return this.params.get(name) ?? usual
  }

  all(name: string): string[] {
    return this.params.getAll(name)
  }

  number(name: string, usual: number): number {
    const found = Number(this.params.get(name) ?? usual)
    return Number.isFinite(found) ? found : usual
  }

  // An address with parameters changed; what is empty is left out, so that addresses stay short.
  to(changes: Changes, path = this.path): string {
    const next = new URLSearchParams(path === this.path ? this.#query : keep(this.params))
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === '' || value === false) next.delete(name)
      else next.set(name, value === true ? '1' : String(value))
    }
    const query = next.toString()
    return path + (query ? `?${query}` : '')
  }

  // Go there. `quiet`: the step back skips this one (sliders, typing).
  set(changes: Changes, { quiet = false, path = this.path } = {}) {
    this.go(this.to(changes, path), quiet)
  }

  setAll(name: string, values: string[], quiet = false) {
    const next = new URLSearchParams(this.#query)
    next.delete(name)
    for (const value of values) next.append(name, value)
    this.go(`${this.path}?${next}`, quiet)
  }

  go(address: string, quiet = false) {
    if (quiet) history.replaceState(null, '', address)
    else history.pushState(null, '', address)
    this.#read()
  }
}

// What goes along from view to view: the day, the language, the look.
const KEPT = ['as_of', 'known', 'lang', 'theme']

function keep(params: URLSearchParams): string {
  return new URLSearchParams(KEPT.flatMap((k) => (params.has(k) ? [[k, params.get(k)!]] : []))).toString()
}

export const place = new Place()

// Clicks on links of our own stay in the page; all others, and those with a modifier, are the browser's.
export function follow(event: MouseEvent) {
  const link = (event.target as Element).closest?.('a')
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return
  if (link.origin !== location.origin || link.target || link.hasAttribute('download')) return
  if (!VIEWS.includes(link.pathname)) return
  if (link.hash && link.pathname === location.pathname && link.search === location.search) return
  event.preventDefault()
  const top = link.pathname !== place.path
  place.go(link.pathname + link.search + link.hash)
  if (top) scrollTo(0, 0)
}

export const VIEWS = ['/', '/treaty', '/forces', '/proposals', '/monitor', '/claims', '/node']
