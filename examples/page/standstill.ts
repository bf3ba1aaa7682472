/** A process stopped where it stands, for as long as this program wants it or lives. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Stops it (SIGSTOP). The function given back lets it go on, and so does the end of this program. */
export async function standStill(pid: number): Promise<() => Promise<void>> {
  // A process of its own, which Ctrl-C does not reach: its input ends when it is told to wake the other, or we are gone.
  const script = `kill -STOP ${pid}; echo stopped; read _; kill -CONT ${pid}`
  const waker = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
  await once(waker.stdout, 'data')
  return async () => {
    waker.stdin.end()
    if (waker.exitCode === null) await once(waker, 'exit')
  }
}
