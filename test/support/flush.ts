/** Drains the microtask queue; no timer moves. */
export async function flush(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
}
