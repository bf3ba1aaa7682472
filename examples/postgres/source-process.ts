/** The source's own program: Postgres (PGlite) on a data directory, behind a socket. */

import { rmSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

const [directory, port] = process.argv.slice(2)
if (directory === undefined || port === undefined) throw new Error('usage: source-process <data directory> <port>')

// If the program that started us dies without a word, nothing of us may stay.
const leave = () => {
  rmSync(directory, { recursive: true, force: true })
  process.exit()
}
process.on('disconnect', leave)
// Ctrl-C reaches the whole process group; it is the program's to answer, and it kills us.
process.on('SIGINT', () => {})

// Only V8's quick compiler for WebAssembly: a first start takes two seconds instead of four.
setFlagsFromString('--liftoff-only')

const database = await PGlite.create({ dataDir: directory })
await database.query('select count(*) from information_schema.columns') // read the catalog once, as a used server has
// After a hang it is met by all the connections that were opened and given up meanwhile, beside those in use.
const server = new PGLiteSocketServer({ db: database, host: '127.0.0.1', port: Number(port), maxConnections: 100 })
await server.start()
process.send?.({ port: Number(server.getServerConn().split(':')[1]) }, (failed: Error | null) => failed && leave())
