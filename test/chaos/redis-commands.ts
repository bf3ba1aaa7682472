/** Counts the commands that a client sends to Redis, whole or in pieces: RESP arrays of bulk strings. */

const CR = 13
const STAR = 42

/** Returns what is to be fed with every chunk of one connection; calls back with the name of each command. */
export function commandReader(onCommand: (name: string) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)

  /** Where the line that begins there ends, and its number; `undefined`: it is not here yet. */
  const header = (from: number): { readonly number: number; readonly next: number } | undefined => {
    const end = rest.indexOf(CR, from)
    return end < 0 || end + 2 > rest.length
      ? undefined
      : { number: Number(rest.toString('latin1', from + 1, end)), next: end + 2 }
  }

  /** The end of the command that `rest` begins with. */
  const whole = (): { readonly name: string; readonly end: number } | undefined => {
    const parts = header(0)
    if (!parts) return undefined
    let at = parts.next
    let name = ''
    for (let part = 0; part < parts.number; part++) {
      const length = header(at)
      if (!length || length.next + length.number + 2 > rest.length) return undefined
      if (part === 0) name = rest.toString('latin1', length.next, length.next + length.number).toUpperCase()
      at = length.next + length.number + 2
    }
    return { name, end: at }
  }

  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length > 0) {
      if (rest[0] !== STAR)
        throw new Error(`A client sent ${JSON.stringify(rest.toString('latin1', 0, 20))}: not a RESP array`)
      const command = whole()
      if (!command) return
      onCommand(command.name)
      rest = rest.subarray(command.end)
    }
  }
}
