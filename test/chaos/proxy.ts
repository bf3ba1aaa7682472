/** Stands between clients and a server on TCP: passes on, delays, hangs or cuts, and counts commands. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { commandReader } from './redis-commands.ts'

export interface TcpProxy {
  readonly port: number
  /** how many commands of each name were sent by clients */
  readonly commands: Map<string, number>
  /** Both ways, from now on: each chunk arrives so much later, in order. */
  delay(ms: number): void
  /** Nothing arrives until `mend()`; connections stay open, as behind a firewall that drops packets. */
  hang(): void
  /** Connections end, and new ones too, until `mend()`. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

type Mode = 'open' | 'hung' | 'cut'

export async function startProxy(target: () => { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const commands = new Map<string, number>()
  const pairs = new Set<{ readonly end: () => void; readonly flow: () => void }>()
  let mode: Mode = 'open'
  let delayMs = 0

  /** What one side says to the other, in order: held back while it hangs, late while it is slow. */
  const pass = (from: Socket, to: Socket, see: (chunk: Buffer) => void) => {
    const waiting: { readonly chunk: Buffer; readonly due: number }[] = []
    let timer: NodeJS.Timeout | undefined
    const flow = () => {
      clearTimeout(timer)
      if (mode === 'hung') return
      while (waiting[0] && waiting[0].due <= performance.now()) to.write((waiting.shift() as { chunk: Buffer }).chunk)
      if (waiting[0]) timer = setTimeout(flow, waiting[0].due - performance.now())
    }
    from.on('data', (chunk: Buffer) => {
      see(chunk)
      waiting.push({ chunk, due: performance.now() + delayMs })
      flow()
    })
    return flow
  }

  const server = createServer((client) => {
    if (mode === 'cut') return void client.destroy()
    const upstream = connect(target())
    for (const socket of [client, upstream]) socket.setNoDelay(true)
    const count = commandReader((name) => commands.set(name, (commands.get(name) ?? 0) + 1))
    const flows = [pass(client, upstream, count), pass(upstream, client, () => {})]
    const pair = {
      end() {
        pairs.delete(pair)
        client.destroy()
        upstream.destroy()
      },
      flow: () => flows.forEach((flow) => void flow()),
    }
    pairs.add(pair)
    for (const socket of [client, upstream]) socket.on('error', pair.end).on('close', pair.end)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    port: (server.address() as AddressInfo).port,
    commands,
    delay: (ms) => {
      delayMs = ms
    },
    hang() {
      mode = 'hung'
    },
    cut() {
      mode = 'cut'
      for (const pair of [...pairs]) pair.end()
    },
    mend() {
      mode = 'open'
      delayMs = 0
      for (const pair of pairs) pair.flow()
    },
    async close() {
      for (const pair of [...pairs]) pair.end()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
