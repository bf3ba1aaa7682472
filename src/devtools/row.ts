/** One value as a row of the table: made once, then only what has changed is written. */

import type { Inspection } from '../state/snapshot.ts'
import { titleOf, type ValueName } from './source.ts'
import { messageOf, seconds, valueAsText } from './words.ts'

export const columns = ['Key', 'Type', 'Namespace', 'State', 'Age', 'Next attempt', 'Last error'] as const

export class Row {
  readonly element = document.createElement('tr')
  readonly button = document.createElement('button')
  readonly #cells: Readonly<Record<'type' | 'namespace' | 'state' | 'attempt' | 'error', HTMLTableCellElement>>
  readonly #value: HTMLTableCellElement | undefined
  readonly #ageText = document.createElement('span')
  readonly #bar = document.createElement('i')
  readonly #window = document.createElement('b')

  constructor(name: ValueName, showsValue: boolean, choose: () => void) {
    this.button.type = 'button'
    this.button.textContent = name.key?.join(' / ') ?? titleOf(name)
    this.button.setAttribute('aria-expanded', 'false')
    this.button.addEventListener('click', choose)
    const head = document.createElement('th')
    head.scope = 'row'
    head.append(this.button)
    const age = document.createElement('td')
    const gauge = document.createElement('span')
    gauge.className = 'age'
    gauge.setAttribute('aria-hidden', 'true')
    gauge.append(this.#bar, this.#window)
    age.append(gauge, this.#ageText)
    const cell = () => document.createElement('td')
    this.#cells = { type: cell(), namespace: cell(), state: cell(), attempt: cell(), error: cell() }
    this.#value = showsValue ? cell() : undefined
    const { type, namespace, state, attempt, error } = this.#cells
    this.element.append(head, type, namespace, state, age, attempt, error, ...(this.#value ? [this.#value] : []))
    for (const wide of [error, this.#value]) if (wide) wide.className = 'wide'
    error.classList.add('failed')
    write(type, name.type ?? '')
    write(namespace, name.namespace?.join(' / ') ?? '')
  }

  show(inspection: Inspection, now: number, value: unknown): void {
    const { status, freshness, age, refreshAt = Infinity, expiresAt = Infinity, nextAttemptAt, lastError } = inspection
    const { state, attempt, error } = this.#cells
    this.element.dataset['freshness'] = freshness ?? 'none'
    write(state, freshness ? `${status}, ${freshness}` : status)
    const pausing = nextAttemptAt !== undefined && nextAttemptAt > now
    write(attempt, pausing ? `in ${seconds(nextAttemptAt - now)}` : '')
    write(error, lastError === undefined ? '' : messageOf(lastError))
    if (this.#value) write(this.#value, value === undefined ? '' : valueAsText(value))
    this.#showAge(age, now, refreshAt, expiresAt)
  }

  #showAge(age: number | undefined, now: number, refreshAt: number, expiresAt: number): void {
    const lifetime = age === undefined ? 0 : age + expiresAt - now
    const limit = Number.isFinite(lifetime) ? ` of ${seconds(lifetime)}` : ''
    write(this.#ageText, age === undefined ? '' : `${seconds(age)}${limit}`)
    const share = (ms: number) => `${Math.round(Math.min(1, Math.max(0, ms / lifetime || 0)) * 100)}%`
    this.#bar.style.width = share(age ?? 0)
    this.#window.style.insetInlineStart = share((age ?? 0) + refreshAt - now)
    this.#window.hidden = age === undefined
  }
}

function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
