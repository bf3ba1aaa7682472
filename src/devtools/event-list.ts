/** The last events, newest first, written only when somebody looks. */

import type { CacheEvent } from '../events/cache-event.ts'
import { eventInWords } from './words.ts'

export class EventList {
  readonly element = document.createElement('ol')
  readonly #most: number
  #waiting: CacheEvent[] = []

  constructor(most: number) {
    this.#most = most
    // It scrolls, so it has to be reached by keyboard.
    this.element.tabIndex = 0
    this.element.setAttribute('aria-label', 'Recent events, newest first')
  }

  add(event: CacheEvent): void {
    this.#waiting.push(event)
    if (this.#waiting.length > this.#most) this.#waiting.shift()
  }

  show(): void {
    const { element } = this
    for (const event of this.#waiting.splice(0)) {
      const item = element.childElementCount < this.#most ? document.createElement('li') : element.lastElementChild
      if (!item) continue
      const time = document.createElement('time')
      time.dateTime = new Date(event.at).toISOString()
      time.textContent = new Date(event.at).toLocaleTimeString(undefined, { hour12: false })
      item.replaceChildren(time, eventInWords(event))
      element.prepend(item)
    }
  }
}
