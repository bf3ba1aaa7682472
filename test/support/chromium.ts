/** Where Chromium is. Without it what needs a browser is left out with one line, and in CI that is a failure. */
import { existsSync } from 'node:fs'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export const chromium: string | undefined = [process.env['CHROMIUM'], ...places].find(
  (place) => place && existsSync(place),
)

/** For a profile of its own, without a sandbox that root has not got, and without calls home. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const howToInstall =
  'Chromium is missing (Debian: apt-get install chromium; elsewhere set CHROMIUM to the executable)'

if (!chromium && process.env['CI'] === 'true') throw new Error(howToInstall)
