// Colours that every kind of colour vision tells apart: Okabe and Ito for kinds, cividis for amounts.

export const PARTY: Record<string, string> = {
  US: '#0072B2', RU: '#D55E00', CN: '#CC79A7', FR: '#009E73', UK: '#56B4E9',
  PK: '#E69F00', IN: '#6A4C93', IL: '#7F7F7F', KP: '#B8A800', SU: '#D55E00',
}
export const OTHER = '#7A7A7A'
export const STATE: Record<string, string> = {
  'in force': '#009E73', 'observed voluntarily': '#56B4E9', suspended: '#E69F00', disputed: '#D55E00',
  signed: '#A9B4C0', offered: '#A9B4C0', declined: '#8A8F98', expired: '#8A8F98', terminated: '#8A8F98',
  withdrawn: '#8A8F98', 'not signed': '#D6DAE0', 'not a party': '#D6DAE0', indeterminate: '#CC79A7',
}

// cividis (Nuñez, Anderton and Renslow 2018), every 32nd of its 256 steps
const CIVIDIS = ['#00224e', '#123570', '#3b496c', '#575d6d', '#707173', '#8a8678', '#a59c74', '#c3b369', '#e1cc55', '#fee838']

export function cividis(share: number): string {
  const x = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1)
  const i = Math.min(Math.floor(x), CIVIDIS.length - 2)
  const [a, b] = [rgb(CIVIDIS[i]!), rgb(CIVIDIS[i + 1]!)]
  return `rgb(${a.map((v, k) => Math.round(v + (b[k]! - v) * (x - i))).join(',')})`
}

// Black or white, whichever reads better on a colour (WCAG relative luminance).
export function inkOn(colour: string): string {
  const parts = colour.startsWith('#') ? rgb(colour) : colour.match(/\d+/g)!.map(Number)
  const [r, g, b] = parts.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! > 0.179 ? '#000' : '#fff'
}

const rgb = (hex: string) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16))
