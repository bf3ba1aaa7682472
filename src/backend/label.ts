/** How a value in the front of two tiers carries the generation it has in the back, and since when it may be trusted. */

import type { Stored } from './backend.ts'

/** Four bytes of length, the label, and the bytes themselves. */
export function labelled(stored: Stored, era: string): Omit<Stored, 'generation'> {
  const { generation, bytes, ...times } = stored
  const label = new TextEncoder().encode(`${era} ${generation}`)
  const all = new Uint8Array(4 + label.byteLength + bytes.byteLength)
  new DataView(all.buffer).setUint32(0, label.byteLength)
  all.set(label, 4)
  all.set(bytes, 4 + label.byteLength)
  return { ...times, bytes: all }
}

/** As it is in the back. `undefined`: of another era, or not ours at all. */
export function unlabelled(stored: Stored, era: string): Stored | undefined {
  const { bytes } = stored
  if (bytes.byteLength < 4) return undefined
  const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  const label = new TextDecoder().decode(bytes.subarray(4, end))
  if (end > bytes.byteLength || !label.startsWith(`${era} `)) return undefined
  return { ...stored, bytes: bytes.slice(end), generation: label.slice(era.length + 1) }
}
