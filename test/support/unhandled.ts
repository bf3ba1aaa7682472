/** Runs an action and returns every rejection that nobody handled while it ran. */
const macrotask = globalThis.setImmediate

export async function unhandledDuring(action: () => Promise<void>): Promise<unknown[]> {
  const seen: unknown[] = []
  const note = (reason: unknown) => seen.push(reason)
  process.on('unhandledRejection', note)
  try {
    await action()
    for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => macrotask(resolve))
  } finally {
    process.off('unhandledRejection', note)
  }
  return seen
}
