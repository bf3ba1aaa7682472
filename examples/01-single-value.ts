/** One remote value, kept current for as long as somebody reads it. */
import { BackgroundCache } from 'evercurrent'

const settings = new BackgroundCache({
  ttl: '30s', // nothing older is served
  refreshWindow: '5s', // a read in the last 5 s is served at once, and a refresh starts behind it
  fetch: async ({ signal }): Promise<{ theme: string }> => {
    const response = await fetch('data:application/json,{"theme":"dark"}', { signal }) // your URL goes here
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    return response.json()
  },
})

console.log(await settings.get()) // the first read waits for the fetch
console.log(await settings.get()) // this one is served from memory
