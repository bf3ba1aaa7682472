/** What was done and what came of it, in a few lines that are also read aloud. */

const most = 5

export class Journal {
  readonly #list: HTMLElement

  constructor(list: HTMLElement) {
    this.#list = list
  }

  say(text: string): void {
    const item = document.createElement('p')
    item.textContent = `${new Date().toLocaleTimeString(undefined, { hour12: false })}  ${text}`
    this.#list.append(item)
    while (this.#list.childElementCount > most) this.#list.firstElementChild?.remove()
  }
}
