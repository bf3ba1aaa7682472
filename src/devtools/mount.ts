/** The panel: a table of the values of a registry or a cache, the picture of one of them, and the last events. */

import type { CacheEvent } from '../events/cache-event.ts'
import type { Inspection } from '../state/snapshot.ts'
import { Chronicle } from './chronicle.ts'
import { EventList } from './event-list.ts'
import { columns, Row } from './row.ts'
import { idOf, type Source, titleOf, type ValueName } from './source.ts'
import { styles } from './styles.ts'
import { drawTimeline } from './timeline.ts'

export interface DevtoolsOptions {
  /** What is shown: a registry or a namespace of it, an entry, or a cache of one value. */
  readonly registry: Source
  /**
   * Shows values, which are hidden by default: tokens live here. The function gives the value of a name, and should not
   * read through: `({ key }) => schemas.peek(key[0])`.
   */
  readonly showValues?: ((name: ValueName) => unknown) | undefined
  /** How often the panel is brought up to date, in milliseconds. Default 500; 2,000 where reduced motion is asked for. */
  readonly every?: number | undefined
  /** How many values are listed. Default 200. */
  readonly maxKeys?: number | undefined
  /** How many events are listed. Default 50. */
  readonly maxEvents?: number | undefined
}

const known = ['registry', 'showValues', 'every', 'maxKeys', 'maxEvents']

/**
 * Shows what a registry or a cache does, inside the element: keys, states, ages, next attempts, errors and events, never
 * a value unless asked. It only observes; while the page is hidden it rests. Returns what takes it away again.
 *
 * Throws `TypeError` or `RangeError` naming the option that is missing, unknown or nonsense.
 *
 * @example
 * ```ts
 * const showCaches = () => mountDevtools(document.body, { registry })
 * ```
 */
export function mountDevtools(element: Element, options: DevtoolsOptions): () => void {
  checkOptions(options)
  const panel = new Panel(options)
  element.append(panel.host)
  panel.start()
  return () => panel.end()
}

class Panel {
  readonly host = document.createElement('div')
  readonly #chronicle: Chronicle
  readonly #events: EventList
  readonly #rows = new Map<string, { readonly row: Row; readonly name: ValueName }>()
  readonly #body = document.createElement('tbody')
  readonly #caption = document.createElement('caption')
  readonly #picture = document.createElement('div')
  readonly #filter = document.createElement('input')
  readonly #showValues: ((name: ValueName) => unknown) | undefined
  readonly #every: number
  readonly #maxKeys: number
  #chosen: ValueName | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  readonly #stop: () => void
  readonly #onReturn = () => this.#update()

  constructor({ registry, showValues, every, maxKeys = 200, maxEvents = 50 }: DevtoolsOptions) {
    const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches
    this.#every = every ?? (isCalm ? 2_000 : 500)
    this.#maxKeys = maxKeys
    this.#showValues = showValues
    this.#chronicle = new Chronicle(registry, { maxKeys })
    this.#events = new EventList(maxEvents)
    this.#stop = registry.on((event: CacheEvent) => this.#events.add(event))
    this.#build()
  }

  start(): void {
    this.#update()
    this.#timer = setInterval(() => this.#update(), this.#every)
    document.addEventListener('visibilitychange', this.#onReturn)
  }

  end(): void {
    clearInterval(this.#timer)
    document.removeEventListener('visibilitychange', this.#onReturn)
    this.#stop()
    this.#chronicle.stop()
    this.host.remove()
  }

  #build(): void {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(styles)
    const root = this.host.attachShadow({ mode: 'open' })
    root.adoptedStyleSheets = [sheet]

    const head = document.createElement('thead')
    const titles = head.insertRow()
    for (const title of this.#showValues ? [...columns, 'Value'] : columns) {
      const cell = document.createElement('th')
      cell.scope = 'col'
      cell.textContent = title
      titles.append(cell)
    }
    const table = document.createElement('table')
    table.append(this.#caption, head, this.#body)
    const scroll = document.createElement('div')
    scroll.className = 'scroll'
    // A region that scrolls has to be reached by keyboard.
    scroll.tabIndex = 0
    scroll.setAttribute('role', 'region')
    scroll.setAttribute('aria-label', 'Values')
    scroll.append(table)

    const label = document.createElement('label')
    this.#filter.type = 'search'
    this.#filter.addEventListener('input', () => this.#update())
    label.append('Show keys with', this.#filter)
    const section = document.createElement('section')
    section.setAttribute('aria-label', 'Cache devtools')
    section.append(heading('h2', 'Caches'), label, scroll, this.#picture, heading('h3', 'Events'), this.#events.element)
    root.append(section)
  }

  #update(): void {
    if (document.hidden) return
    const now = Date.now()
    const seen = this.#chronicle.look(now)
    const wanted = this.#filter.value.toLowerCase()
    const shown = seen.filter((name) => titleOf(name).toLowerCase().includes(wanted))
    const ids = new Set(shown.map(idOf))
    for (const [id, { row }] of this.#rows) {
      if (ids.has(id)) continue
      row.element.remove()
      this.#rows.delete(id)
    }
    for (const inspection of shown) this.#rowOf(inspection).show(inspection, now, this.#showValues?.(inspection))
    const rest = seen.length >= this.#maxKeys ? `, the first ${this.#maxKeys}` : ''
    this.#caption.textContent = `${shown.length} ${shown.length === 1 ? 'value' : 'values'}${rest}; press a key for its timeline`
    this.#events.show()
    this.#draw(now)
  }

  #rowOf(inspection: Inspection & ValueName): Row {
    const id = idOf(inspection)
    const held = this.#rows.get(id)
    if (held) return held.row
    const { type, key, namespace, name } = inspection
    const subject = { name, ...(type !== undefined && { type }), ...(key && { key }), ...(namespace && { namespace }) }
    const row = new Row(subject, this.#showValues !== undefined, () => this.#choose(subject))
    this.#rows.set(id, { row, name: subject })
    this.#body.append(row.element)
    return row
  }

  #choose(name: ValueName): void {
    const id = idOf(name)
    this.#chosen = this.#chosen && idOf(this.#chosen) === id ? undefined : name
    for (const [of, { row }] of this.#rows) row.button.setAttribute('aria-expanded', String(this.#chosen && of === id))
    this.#draw(Date.now())
  }

  #draw(now: number): void {
    const track = this.#chosen && this.#chronicle.track(this.#chosen)
    if (!track) {
      this.#picture.replaceChildren()
      return
    }
    const width = Math.max(280, this.#picture.clientWidth)
    this.#picture.replaceChildren(heading('h3', track.title), drawTimeline(track, { width, now }))
  }
}

function heading(level: 'h2' | 'h3', text: string): HTMLElement {
  const element = document.createElement(level)
  element.textContent = text
  return element
}

function checkOptions(options: DevtoolsOptions): void {
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) {
      throw new TypeError(`Cannot mount devtools: expected one of ${known.join(', ')}: received ${option}`)
    }
  }
  const { registry, showValues, every, maxKeys, maxEvents } = options
  const { on, inspect } = (registry ?? {}) as Partial<Source>
  if (typeof on !== 'function' || typeof inspect !== 'function') {
    throw new TypeError(`Cannot use registry: expected a registry or a cache: received ${typeof registry}`)
  }
  if (showValues !== undefined && typeof showValues !== 'function') {
    throw new TypeError(`Cannot use showValues: expected a function: received ${typeof showValues}`)
  }
  for (const [option, value] of Object.entries({ every, maxKeys, maxEvents })) {
    if (value === undefined || value > 0) continue
    throw new RangeError(`Cannot use ${option}: expected more than 0: received ${value}`)
  }
}
