import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ArchiveName, packArchive, unpackArchive } from './archive-file.ts'
import { chooseOutdated } from './archive-keep.ts'

const NOW = Date.UTC(2026, 10, 24, 12)

function archives(count: number, everyMs: number): ArchiveName[] {
  return Array.from({ length: count }, (_, index) => {
    const takenAt = new Date(NOW - index * everyMs)
    return { id: String(index), key: `control/${index}.archive`, takenAt }
  })
}

test('keeps all while there are few', () => {
  assert.deepEqual(chooseOutdated(archives(50, 2_000)), [])
})

test('keeps the newest, and of the older ones one an hour and one a day', () => {
  const all = archives(90 * 24 * 4, 900_000)
  const gone = new Set(chooseOutdated(all))
  const kept = all.filter((archive) => !gone.has(archive))
  assert.ok(all.slice(0, 50).every((archive) => !gone.has(archive)))
  assert.ok(kept.length >= 60 && kept.length <= 104, String(kept.length))
  const oldest = kept.at(-1)?.takenAt.getTime() ?? 0
  assert.ok(NOW - oldest > 28 * 86_400_000 && NOW - oldest < 31 * 86_400_000)
})

test('what is thinned once is not thinned again to nothing', () => {
  let left = archives(40 * 24 * 4, 900_000)
  for (let round = 0; round < 3; round += 1) {
    const gone = new Set(chooseOutdated(left))
    left = left.filter((archive) => !gone.has(archive))
  }
  assert.ok(left.length >= 60)
})

const header = { takenAt: '', migrations: ['0001'], keyFingerprint: 'f', version: '1', sequences: [] }

test('an archive is read back as it was written', async () => {
  const tables = [
    {
      name: 'services',
      columns: ['id', 'name'],
      rows: [
        ['1', 'a "quoted"\nname'],
        ['2', null],
      ],
    },
    { name: 'empty', columns: ['id'], rows: [] },
  ]
  assert.deepEqual(await unpackArchive(await packArchive({ header, tables })), { header, tables })
})

test('an archive that was cut short, or changed in one bit, is refused', async () => {
  const whole = await packArchive({ header, tables: [] })
  const turned = Buffer.from(whole)
  turned[whole.length - 9] = (turned[whole.length - 9] ?? 0) ^ 1
  for (const wrong of [whole.subarray(0, -1), turned, Buffer.from('hello'), Buffer.alloc(0)]) {
    await assert.rejects(unpackArchive(wrong), { code: 'archive.damaged' })
  }
})
