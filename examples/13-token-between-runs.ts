/** A command that is run four times, with a real issuer: the token is kept between runs, and no file has it in the clear. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Issuer } from './credentials/issuer.ts' // tokens for an hour, signed in a process of its own

const tool = fileURLToPath(new URL('./credentials/tool.ts', import.meta.url)) // what there is to copy from here
const folder = mkdtempSync(join(tmpdir(), 'evercurrent-token-'))
const [database, keyFile] = [join(folder, 'tokens.db'), join(folder, 'key')]
const issuer = new Issuer()

/** Runs the command in a process of its own, and gives what it prints: the token. */
async function run(env: Readonly<Record<string, string>> = {}): Promise<string> {
  const program = [...process.execArgv, tool, issuer.tokenEndpoint, database, keyFile]
  const child = spawn(process.execPath, program, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const [token, told, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  console.log(`  ${told.trim().replaceAll('\n', '\n  ')}`)
  if (code !== 0) throw new Error(`it ended with ${code}`)
  return token.trim()
}

try {
  await issuer.start()
  console.log('the first run')
  const first = await run()
  console.log(`  its key file has mode ${(statSync(keyFile).mode & 0o777).toString(8)}`)

  console.log('the second run')
  console.log(`  the same token: ${(await run()) === first}; requests to the issuer: ${await issuer.requests()}`)

  console.log('with another key')
  const other = { TOKEN_KEY: Buffer.alloc(32, 1).toString('base64') }
  const third = await run(other)
  console.log(`  the same token: ${third === first}; requests to the issuer: ${await issuer.requests()}`)

  console.log('the issuer is gone, and that key again')
  await issuer.kill()
  console.log(`  the same token: ${(await run(other)) === third}`)

  const files = readdirSync(folder).filter((name) => name.startsWith('tokens.db'))
  const bytes = Buffer.concat(files.map((name) => readFileSync(join(folder, name))))
  const parts = [first, third].flatMap((token) => token.split('.')) // header, payload and signature
  console.log(
    `the files have ${parts.filter((part) => bytes.includes(part)).length} of the ${parts.length} parts of the tokens`,
  )
  console.log(`what is not encrypted: the key of the value, 'reports': ${bytes.includes('reports')}`)
} finally {
  await issuer.kill()
  rmSync(folder, { recursive: true })
}
