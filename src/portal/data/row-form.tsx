// A row as a form: a new one, or one that is changed.
import { Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { RowView, TableView } from '../../contract/api.ts'
import { columnWord, VERSION_COLUMN } from '../../contract/table-format.ts'
import { insertRows, updateRow } from '../calls/table-changes.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { changesOf, draftColumns, draftOf, draftProblem, type RowDraft } from './row-draft.ts'

type Column = ReturnType<typeof draftColumns>[number]
type Props = { service: string; table: TableView }

const ABOUT = (
  <Text size="sm" c="dimmed">
    An empty field is null. Scripts of the table do not run.
  </Text>
)

export function AddRowButton({ service, table }: Props) {
  const columns = draftColumns(table, true)
  const [draft, setDraft] = useState<RowDraft>({})
  const row = changesOf(columns, draft, null)
  return (
    <ChangeButton
      label="Add a row"
      isSmall
      icon={<Icon name="plus" />}
      title={`A row for ${table.name}`}
      verb="Insert it"
      about={ABOUT}
      form={<Fields columns={columns} draft={draft} onChange={setDraft} />}
      isFormReady={isFit(columns, draft)}
      run={async () => {
        const { problems } = await insertRows(service, table.name, [row])
        if (problems[0]) throw new Error(problems[0].message)
      }}
      onDone={() => setDraft({})}
    />
  )
}

export function EditRowButton({ service, table, row, id }: Props & { row: RowView; id: string }) {
  const columns = draftColumns(table, false)
  const before = draftOf(columns, row)
  const [draft, setDraft] = useState<RowDraft | null>(null)
  const shown = draft ?? before
  const changes = changesOf(columns, shown, before)
  const version = row[VERSION_COLUMN]
  return (
    <ChangeButton
      label="Edit"
      isSmall
      variant="subtle"
      title={`The row ${id}`}
      verb="Save"
      about={ABOUT}
      form={<Fields columns={columns} draft={shown} onChange={setDraft} />}
      isFormReady={isFit(columns, shown) && Object.keys(changes).length > 0}
      // Refused when somebody has changed it since it was read.
      run={() => updateRow(service, table.name, id, changes, typeof version === 'string' ? version : undefined)}
      onDone={() => setDraft(null)}
    />
  )
}

type FieldsProps = { columns: Column[]; draft: RowDraft; onChange: (draft: RowDraft) => void }

function Fields({ columns, draft, onChange }: FieldsProps) {
  return (
    <Stack gap="xs">
      {columns.map((column) => {
        const text = draft[column.name] ?? ''
        return (
          <TextInput
            key={column.name}
            label={column.name}
            description={column.name === 'id' ? 'Empty: it is given one' : columnWord(column.type)}
            value={text}
            error={draftProblem(column, text)}
            onChange={({ currentTarget }) => onChange({ ...draft, [column.name]: currentTarget.value })}
            autoComplete="off"
          />
        )
      })}
    </Stack>
  )
}

function isFit(columns: Column[], draft: RowDraft): boolean {
  return columns.every((column) => draftProblem(column, draft[column.name] ?? '') === null)
}
