/** One value of the page: what it is now, its timeline, and a button that invalidates it. */

import { drawTimeline, type Track } from 'evercurrent/devtools'
import type { Reading } from './readers.ts'
import type { Subject, Value } from './subjects.ts'

/** milliseconds */
export const span = 45_000

export class Card {
  readonly element = document.createElement('article')
  readonly #subject: Subject
  readonly #state = document.createElement('span')
  readonly #value = document.createElement('p')
  readonly #drawing = document.createElement('div')
  #reading: Reading | undefined
  #isInSight = true

  constructor(subject: Subject, invalidate: () => void) {
    this.#subject = subject
    const title = document.createElement('h3')
    title.textContent = subject.title
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = 'Invalidate'
    button.setAttribute('aria-label', `Invalidate: ${subject.title}`)
    button.addEventListener('click', invalidate)
    const header = document.createElement('header')
    header.append(title, this.#state, button)
    this.element.className = 'card'
    this.element.id = subject.id
    this.element.setAttribute('aria-label', subject.title)
    this.#state.className = 'state'
    this.#value.className = 'value'
    this.#drawing.className = 'drawing'
    this.element.append(header, this.#value, this.#drawing)
    const look = ([seen]: IntersectionObserverEntry[]) => {
      this.#isInSight = seen?.isIntersecting ?? true
    }
    new IntersectionObserver(look, { rootMargin: '50%' }).observe(this.element)
  }

  take(reading: Reading): void {
    this.#reading = reading
  }

  show(track: Track | undefined): void {
    const { read, value, error } = this.#reading ?? {}
    write(this.#state, read ? `last read: ${read.served}` : 'not read yet')
    write(this.#value, value ? inWords(this.#subject, value) : error ? `error: ${messageOf(error)}` : '')
    this.element.dataset['served'] = read?.served ?? 'none'
    if (!this.#isInSight) return
    const width = this.#drawing.clientWidth
    if (track && width > 0) this.#drawing.replaceChildren(drawTimeline(track, { width, span }))
  }
}

function inWords({ ttl }: Subject, value: Value): string {
  if ('columns' in value) return `columns: ${value.columns.map(({ name }) => name).join(', ')}`
  if ('revision' in value) return `revision ${value.revision}: “${value.greeting}”`
  // Never the token itself: this page is looked at.
  return `a bearer token, good for ${value.expiresIn ?? ttl / 1000} s from its request on`
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
