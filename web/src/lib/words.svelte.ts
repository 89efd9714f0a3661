// The page's own words in each language; numbers, dates, plurals and party names by the browser's locale data.
import en from './languages/en.json'

export const LANGUAGES = {
  en: 'English',
  fr: 'Français',
  ru: 'Русский',
  'zh-Hans': '简体中文',
  'zh-Hant': '繁體中文',
} as const
export type Language = keyof typeof LANGUAGES
export type Key = keyof typeof en
type Catalogue = Record<Key, string>

const others = import.meta.glob<{ default: Catalogue }>(['./languages/*.json', '!./languages/en.json'])
let language = $state<Language>('en')
let catalogue = $state<Catalogue>(en)

// Speak a language; an unknown one is English.
export async function speak(wanted: string): Promise<void> {
  const found = (wanted in LANGUAGES ? wanted : 'en') as Language
  catalogue = found === 'en' ? en : (await others[`./languages/${found}.json`]!()).default
  if (found !== language) heard = {}
  language = found
  document.documentElement.lang = found
}

// Sentences of answers as the server says them in the language, by their English.
let heard = $state.raw<Record<string, string>>({})

export function learn(said: Record<string, string>) {
  if (Object.keys(said).length) heard = { ...heard, ...said }
}

// A sentence of an answer in the language, in English where nobody has translated it.
export const hear = (text: string): string => heard[text] ?? text

export const spoken = (): Language => language

// A text by its key, {names} filled in. "one|few|many|other" texts are chosen by {n}.
export function t(key: Key, filled: Record<string, string | number> = {}): string {
  let text: string = catalogue[key] ?? key
  if ('n' in filled && text.includes('|')) text = plural(text, Number(filled.n))
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = filled[name]
    return typeof value === 'number' ? number(value) : (value ?? `{${name}}`)
  })
}

// A word of the data (a state, an outcome, a verdict) in the language, itself where the catalogue has none.
export function word(kind: string, value: string): string {
  const key = `${kind}.${value}` as Key
  return catalogue[key] ?? value.replaceAll('_', ' ')
}

function plural(text: string, n: number): string {
  const forms = text.split('|')
  const names = forms.length === 2 ? ['one', 'other'] : ['one', 'few', 'many', 'other']
  const form = new Intl.PluralRules(language).select(n)
  return forms[names.indexOf(form)] ?? forms.at(-1)!
}

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)
}

// A quantity with about three meaningful digits.
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return ''
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 1 ? 2 : 3
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)
}

export function percent(value: number): string {
  const shown = value > 0 && value < 0.005 ? 0.005 : value < 1 && value > 0.995 ? 0.995 : value
  const text = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: shown === value ? 0 : 1 })
  return (shown === value ? '' : value < 0.5 ? '< ' : '> ') + text.format(shown)
}

// A day, or a month or year where the source gives no more.
export function day(text: string): string {
  const parts = text.slice(0, 10).split('-').map(Number)
  if (parts.some((x) => !Number.isFinite(x))) return text
  const style: Intl.DateTimeFormatOptions = { year: 'numeric', timeZone: 'UTC' }
  if (parts.length > 1) style.month = 'long'
  if (parts.length > 2) style.day = 'numeric'
  return new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, style).format(Date.UTC(parts[0]!, (parts[1] ?? 1) - 1, parts[2] ?? 1))
}

// A party's name from its code; sides of an alliance joined by a plus.
export function party(code: string): string {
  const names = new Intl.DisplayNames(language, { type: 'region', fallback: 'code' })
  return code
    .split('+')
    .map((c) => (c === 'SU' ? t('party.SU') : /^[A-Z]{2}$/.test(c) ? (names.of(c === 'UK' ? 'GB' : c) ?? c) : c))
    .join(' + ')
}
