import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandsIn } from './command-text.ts'

test('finds the command at the end of a warning', () => {
  assert.deepEqual(commandsIn('No archive can be restored. Next: mainstay control key export'), [
    { text: 'No archive can be restored. Next: ', isCommand: false },
    { text: 'mainstay control key export', isCommand: true },
  ])
})

test('a name in quotes belongs to the command, the full stop does not', () => {
  assert.deepEqual(commandsIn('Type mainstay dev outage stop "West US".'), [
    { text: 'Type ', isCommand: false },
    { text: 'mainstay dev outage stop "West US"', isCommand: true },
    { text: '.', isCommand: false },
  ])
})

test('a sentence without a command stays whole', () => {
  assert.deepEqual(commandsIn('mainstay is ready'), [{ text: 'mainstay is ready', isCommand: false }])
})
