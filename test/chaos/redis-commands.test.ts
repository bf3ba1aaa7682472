/** Commands are counted however they are cut into pieces. */
import { expect, it } from 'vitest'
import { commandReader } from './redis-commands.ts'

const bytes = Buffer.from(
  '*2\r\n$3\r\nget\r\n$1\r\nk\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6\r\na\r\n*9b\r\n*1\r\n$4\r\nPING\r\n',
)

it.each([1, 2, 3, 7, bytes.length])('in pieces of %i bytes every command is seen once', (size) => {
  const seen: string[] = []
  const feed = commandReader((name) => seen.push(name))
  for (let at = 0; at < bytes.length; at += size) feed(bytes.subarray(at, at + size))
  expect(seen).toEqual(['GET', 'SET', 'PING'])
})

it('what is no command is an error, and not counted', () => {
  expect(() => commandReader(() => {})(Buffer.from('GET k\r\n'))).toThrow('not a RESP array')
})
