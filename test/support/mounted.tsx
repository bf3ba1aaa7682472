/** Components on a page, as an application would have them: rendered concurrently, and everything settled before a look. */
import { act, type ReactNode } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import { onTestFinished } from 'vitest'

const acting = (is: boolean) => Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: is })
acting(true)

export interface Mounted {
  readonly text: () => string
  readonly render: (node: ReactNode) => Promise<void>
  readonly unmount: () => Promise<void>
}

function mountedIn(container: HTMLElement, root: Root): Mounted {
  const unmount = async () => act(async () => root.unmount())
  onTestFinished(async () => {
    await unmount()
    container.remove()
  })
  return {
    text: () => container.textContent ?? '',
    render: (node) => act(async () => root.render(node)),
    unmount,
  }
}

export async function mount(node: ReactNode): Promise<Mounted> {
  const container = document.body.appendChild(document.createElement('div'))
  const mounted = mountedIn(container, createRoot(container))
  await mounted.render(node)
  return mounted
}

/** What a server rendered, and what React complained about when it took it over. */
export async function hydrate(html: string, node: ReactNode) {
  const container = document.body.appendChild(document.createElement('div'))
  container.innerHTML = html
  const complaints: unknown[] = []
  const root = await act(async () =>
    hydrateRoot(container, node, { onRecoverableError: (error) => complaints.push(error) }),
  )
  return { ...mountedIn(container, root), complaints }
}

/** Lets things happen, and React finish what comes of them. */
export const settled = (happening: () => unknown = () => {}) =>
  act(async () => {
    await happening()
  })

/** As on a real page: React renders when it finds the time, and gives way in between. */
export async function withoutAct(happening: () => Promise<void>): Promise<void> {
  acting(false)
  try {
    await happening()
  } finally {
    acting(true)
  }
}
