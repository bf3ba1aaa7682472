/** The page: readers at work in the chosen way, pictures of what they get, and controls that break what is behind them. */

import { timelineStyles } from 'evercurrent/devtools'
import type { AccessToken } from 'evercurrent/oauth'
import {
  BehaviorSubject,
  concatMap,
  exhaustMap,
  filter,
  firstValueFrom,
  fromEvent,
  map,
  startWith,
  switchMap,
  timer,
  using,
} from 'rxjs'
import type { Condition, Config } from '../backstage.ts'
import { Card, messageOf } from './card.ts'
import { Journal } from './journal.ts'
import { Score } from './score.ts'
import { Session, titles, type WayName } from './session.ts'
import { server, subjectById, subjects } from './subjects.ts'
import { Watches } from './watches.ts'
import { nameOf } from './way.ts'

function find<E extends Element>(selector: string): E {
  const found = document.querySelector<E>(selector)
  if (!found) throw new Error(`the page has no ${selector}`)
  return found
}

// It scrolls on a phone, so it has to be reached by keyboard.
find<HTMLElement>('.scroll').tabIndex = 0
const form = find<HTMLFormElement>('#controls')
const journal = new Journal(find('#log'))
const score = new Score(find('#score tbody'), titles)
const watches = new Watches()
const session$ = new BehaviorSubject<Session | undefined>(undefined)
const token = subjectById('token')
const config = subjectById('config')
let accessToken: AccessToken | undefined

const cards = new Map(
  subjects.map((subject) => {
    const card = new Card(subject, () => {
      void session$.value?.way.invalidate(subject)
      journal.say(`invalidated: ${subject.title}`)
    })
    find('#cards').append(card.element)
    return [subject.id, card] as const
  }),
)

/** What the buttons do; what they give is said. */
const actions: Readonly<Record<string, () => Promise<string> | string>> = {
  'alter-customers': () => alter('customers'),
  'alter-orders': () => alter('orders'),
  async rotate() {
    await server.rotateKey()
    return 'the signing key was rotated: the API refuses every token signed before'
  },
  tab() {
    window.open(location.href)
    return 'opened a second tab'
  },
  async write() {
    const written = await server.write(find<HTMLInputElement>('#greeting').value)
    watches.add(`revision ${written.revision}`, ({ value }) => (value as Partial<Config>).revision === written.revision)
    await session$.value?.way.write(config, written)
    return `wrote revision ${written.revision}, and told the cache`
  },
}

async function alter(name: string): Promise<string> {
  const { column } = await server.alter(name)
  watches.add(`${name}.${column}`, ({ value }) => {
    return value !== undefined && 'columns' in value && value.columns.some((one) => one.name === column)
  })
  return `ALTER TABLE ${name} ADD COLUMN ${column}; nobody told the cache`
}

async function act(name: string): Promise<void> {
  try {
    const said = await actions[name]?.()
    if (said) journal.say(said)
  } catch (error) {
    journal.say(messageOf(error))
  }
}

async function become(condition: Condition): Promise<void> {
  try {
    await server.become(condition)
    journal.say(`the source is ${condition}`)
  } catch (error) {
    journal.say(messageOf(error))
  }
}

/** The other tab may have changed it. */
async function readCondition(): Promise<void> {
  const { condition } = await server.state()
  find<HTMLInputElement>(`[name=condition][value=${condition}]`).checked = true
}

/** The API behind the token is called now and then; what it refuses is dropped, and only that. */
async function callApi(): Promise<void> {
  const used = accessToken
  const way = session$.value?.way
  if (!used || !way || (await server.orders(used.accessToken)) !== 401) return
  await way.reject(token, used)
  if (accessToken === used) accessToken = undefined
  journal.say('the API answered 401: that token is dropped')
}

function show(): void {
  const session = session$.value
  if (!session) return
  session.chronicle.look()
  for (const subject of subjects) cards.get(subject.id)?.show(session.chronicle.track(nameOf(subject)))
  score.show(session.name)
}

const chosen$ = fromEvent(find('#ways'), 'change').pipe(
  map(() => new FormData(form).get('way') as WayName),
  startWith(new FormData(form).get('way') as WayName),
)
const ready$ = timer(0, 300).pipe(
  exhaustMap(() => server.state().catch(() => undefined)),
  filter((state) => state?.ready === true),
)
const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches

const colours = new CSSStyleSheet()
colours.replaceSync(`:root { ${timelineStyles} }`)
document.adoptedStyleSheets.push(colours)

await firstValueFrom(ready$)
find('#ready').textContent = 'Postgres and the issuer are running.'

chosen$
  .pipe(
    switchMap((name) =>
      using(
        () => new Session(name, score.tallyOf(name), find('#devtools')),
        (session) => {
          session$.next(session as Session)
          return (session as Session).run()
        },
      ),
    ),
  )
  .subscribe((reading) => {
    cards.get(reading.subject.id)?.take(reading)
    if (reading.subject === token && reading.value) accessToken = reading.value as AccessToken
    for (const line of watches.look(reading)) journal.say(line)
  })

fromEvent<Event>(find('#conditions'), 'change')
  .pipe(concatMap(({ target }) => become((target as HTMLInputElement).value as Condition)))
  .subscribe()
fromEvent<MouseEvent>(form, 'click')
  .pipe(
    map(({ target }) => (target as HTMLElement).dataset['do']),
    filter((name) => name !== undefined),
    concatMap(act),
  )
  .subscribe()
fromEvent(form, 'submit')
  .pipe(
    concatMap((event) => {
      event.preventDefault()
      return act('write')
    }),
  )
  .subscribe()
timer(0, isCalm ? 2_000 : 500)
  .pipe(filter(() => !document.hidden))
  .subscribe(show)
for (const [every, task] of [
  [1_500, callApi],
  [2_000, readCondition],
] as const) {
  // If the server is gone, the readers tell of it.
  timer(every, every)
    .pipe(exhaustMap(() => task().catch(() => {})))
    .subscribe()
}
