// RFC 6962 and C2SP signed notes, checked in the browser: what the server says of a log need not be believed.

export const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
export const hex = (data: Uint8Array): string => Array.from(data, (b) => b.toString(16).padStart(2, '0')).join('')

async function sha256(...parts: Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', whole))
}

// Section 2.1: a leaf is hashed with a zero before it, a node with a one.
export const leafHash = (entry: Uint8Array) => sha256(Uint8Array.of(0), entry)
export const nodeHash = (left: Uint8Array, right: Uint8Array) => sha256(Uint8Array.of(1), left, right)

// The root that a path leads to; null where its length or shape is wrong (RFC 9162 section 2.1.3.2).
export async function rootOf(index: number, size: number, leaf: Uint8Array, path: Uint8Array[]): Promise<Uint8Array | null> {
  if (!(index >= 0 && index < size)) return null
  let [fn, sn, root] = [index, size - 1, leaf]
  for (const step of path) {
    if (sn === 0 || step.length !== 32) return null
    if (fn % 2 === 1 || fn === sn) {
      root = await nodeHash(step, root)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)]
    } else root = await nodeHash(root, step)
    ;[fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  }
  return sn === 0 ? root : null
}

export interface Checkpoint {
  origin: string
  size: number
  root: Uint8Array<ArrayBuffer>
  text: string
  signatures: { name: string; id: string; data: Uint8Array<ArrayBuffer> }[]
}

// A tlog-checkpoint: origin, size, root, an empty line, signature lines.
export function parseCheckpoint(note: string): Checkpoint | null {
  const cut = note.indexOf('\n\n')
  const lines = note.slice(0, cut).split('\n')
  if (cut < 0 || lines.length < 3 || !/^\d+$/.test(lines[1]!)) return null
  const signatures = note
    .slice(cut + 2)
    .split('\n')
    .flatMap((line) => {
      const found = /^\u2014 (\S+) (\S+)$/.exec(line)
      if (!found) return []
      const data = bytes(found[2]!)
      return [{ name: found[1]!, id: hex(data.slice(0, 4)), data: data.slice(4) }]
    })
  return { origin: lines[0]!, size: Number(lines[1]), root: bytes(lines[2]!), text: note.slice(0, cut + 1), signatures }
}

// Is the checkpoint signed by one of the keys (name+id+key, Ed25519)? null where the browser has no Ed25519.
export async function signedBy(point: Checkpoint, keys: string[]): Promise<boolean | null> {
  for (const line of keys) {
    const [name, id, text] = line.split('+', 2).concat(line.split('+').slice(2).join('+')) as [string, string, string]
    const key = bytes(text)
    const mine = point.signatures.find((s) => s.name === name && s.id === id)
    if (!mine || key[0] !== 1) continue
    try {
      const made = await crypto.subtle.importKey('raw', key.slice(1), { name: 'Ed25519' }, false, ['verify'])
      const signed = new TextEncoder().encode(point.text)
      if (await crypto.subtle.verify({ name: 'Ed25519' }, made, mine.data, signed)) return true
    } catch {
      return null
    }
  }
  return false
}

export interface Proof {
  entry: string
  leaf: string
  index: number
  path: string[]
  checkpoint: string
  keys: string[]
}
export interface Finding {
  leaf: boolean
  root: boolean
  origin: boolean
  signed: boolean | null
  size: number
  computed: string
}

// Every step of an inclusion proof, checked from the entry's bytes up.
export async function check(proof: Proof, origin: string): Promise<Finding> {
  const leaf = await leafHash(bytes(proof.entry))
  const point = parseCheckpoint(proof.checkpoint)
  const root = point && (await rootOf(proof.index, point.size, leaf, proof.path.map(bytes)))
  return {
    leaf: hex(leaf) === proof.leaf,
    root: !!root && !!point && hex(root) === hex(point.root),
    origin: point?.origin === origin,
    signed: point && (await signedBy(point, proof.keys)),
    size: point?.size ?? 0,
    computed: root ? hex(root) : '',
  }
}
