/** A view of whichever key is selected: the one before is let go of, and the one that is shown is kept fresh. */
import { CacheRegistry } from 'evercurrent'
import { values$ } from 'evercurrent/rxjs'
import { manualClock } from 'evercurrent/testing'
import { BehaviorSubject, switchMap } from 'rxjs'

const clock = manualClock() // so that a minute takes no time here; leave the option out in your program
const versions = new Map<string, number>()
const users = new CacheRegistry({ clock }).define({
  type: 'user',
  ttl: '60s',
  refreshWindow: '20s',
  fetch: async (id: string) => {
    const version = (versions.get(id) ?? 0) + 1
    versions.set(id, version)
    console.log(`  service: ${id}, version ${version}`)
    return `${id} v${version}`
  },
})

const selected = new BehaviorSubject('ann')
const view = selected
  .pipe(switchMap((id) => values$(users.entry(id))))
  .subscribe((user) => console.log(`view: ${user}`))
await clock.advance(0)

console.log('40 s later it is refreshed without a reader')
await clock.advance(40_000)

console.log('bob is selected: ann is not fetched any more')
selected.next('bob')
await clock.advance(40_000)

console.log('ann again: what is held is shown at once, and refreshed behind')
selected.next('ann')
await clock.advance(0)

view.unsubscribe()
