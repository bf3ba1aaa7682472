/** Which async context a task runs in: nobody's for timers and background fetches, its waiter's for the rest. */

type Run = <T>(task: () => T) => T

interface Host {
  readonly process?: {
    getBuiltinModule?(id: string): { readonly AsyncLocalStorage?: { snapshot?(): Run } } | undefined
  }
}

/** Asked of the running process rather than imported: the core must load in browsers and workers. */
const storage = /* @__PURE__ */ (() =>
  (globalThis as Host).process?.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage)()

/** Binds the current async context: what it returns runs tasks in it. */
export function captureContext(): Run {
  return storage?.snapshot?.() ?? ((task) => task())
}

/** Runs a task in the context this module was loaded in, so that no reader's request leaks into another's. */
export const outsideContext: Run = /* @__PURE__ */ captureContext()
