// What operators write on the Service Dashboard, and whether it names services.
import { Anchor, Group, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { NewStatusPost, StatusPostView } from '../../contract/api.ts'
import { addPost, changeDashboard, removePost } from '../calls/cloud-changes.ts'
import { dashboardSettingsQuery, statusPostsQuery } from '../calls/queries.ts'
import { instantOf } from '../databases/moment.ts'
import { formatMoment } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { FaultAlert } from '../kit/fault-alert.tsx'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { Panel } from '../kit/panel.tsx'
import { useMay } from '../session/session.ts'

export function ServiceDashboardPart() {
  const may = useMay()
  const posts = useQuery(statusPostsQuery())
  return (
    <Stack gap="md">
      <NamesPanel isChangeable={may.change} />
      <Panel
        title="Posts"
        about={
          <>
            What stands on the{' '}
            <Anchor href="/status" underline="always">
              Service Dashboard
            </Anchor>{' '}
            besides what is measured.
          </>
        }
        actions={may.change ? <PostButton /> : null}
      >
        <Loaded query={posts} what="the posts">
          {(data) => (
            <Stack gap="sm">
              {data.length === 0 ? <Text size="sm">There is none.</Text> : null}
              {data.map((post) => (
                <Post key={post.id} post={post} isChangeable={may.change} />
              ))}
            </Stack>
          )}
        </Loaded>
      </Panel>
    </Stack>
  )
}

function NamesPanel({ isChangeable }: { isChangeable: boolean }) {
  const client = useQueryClient()
  const settings = useQuery(dashboardSettingsQuery())
  const change = useMutation({
    mutationFn: (areNamesShown: boolean) => changeDashboard({ areNamesShown }),
    onSettled: () => client.invalidateQueries({ queryKey: dashboardSettingsQuery().queryKey }),
  })
  return (
    <Panel title="What it tells" about="Anybody may read it without signing in.">
      <Loaded query={settings} what="the settings">
        {({ areNamesShown }) =>
          isChangeable ? (
            <Switch
              label="Name the services that an incident concerns"
              description="Otherwise they are only counted."
              checked={change.isPending ? change.variables : areNamesShown}
              onChange={(event) => change.mutate(event.currentTarget.checked)}
            />
          ) : (
            <Text size="sm">{areNamesShown ? 'Services are named.' : 'Services are counted, not named.'}</Text>
          )
        }
      </Loaded>
      <FaultAlert error={change.error} />
    </Panel>
  )
}

function Post({ post, isChangeable }: { post: StatusPostView; isChangeable: boolean }) {
  const { id, at, title, text, window } = post
  return (
    <Group justify="space-between" align="flex-start" gap="sm">
      <div>
        <Text size="sm" fw={600}>
          {title}
        </Text>
        <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
          {text}
        </Text>
        <Text size="xs" c="dimmed">
          {formatMoment(at)}
          {window === null ? '' : `; from ${formatMoment(window.from)} to ${formatMoment(window.to)}`}
        </Text>
      </div>
      {isChangeable ? (
        <ChangeButton
          label="Take away"
          isSmall
          isDangerous
          variant="subtle"
          title={`Take ‘${title}’ away`}
          verb="Take it away"
          plan={async () => ['Nobody sees it any more']}
          run={() => removePost(id)}
        />
      ) : null}
    </Group>
  )
}

const EMPTY = { title: '', text: '', from: '', to: '' }

function PostButton() {
  const [wish, setWish] = useState(EMPTY)
  const set = (part: Partial<typeof EMPTY>) => setWish({ ...wish, ...part })
  const from = instantOf(wish.from)
  const to = instantOf(wish.to)
  const request: NewStatusPost = {
    ...{ title: wish.title.trim(), text: wish.text },
    ...(from !== null && to !== null ? { window: { from, to } } : {}),
  }
  return (
    <ChangeButton
      label="Write a post"
      icon={<Icon name="plus" />}
      title="Write on the Service Dashboard"
      verb="Post it"
      form={
        <Stack gap="sm">
          <TextInput
            label="Title"
            value={wish.title}
            onChange={(event) => set({ title: event.currentTarget.value })}
            data-autofocus
          />
          <Textarea
            label="Text"
            description="Markdown; HTML in it is shown as text."
            value={wish.text}
            onChange={(event) => set({ text: event.currentTarget.value })}
            minRows={4}
            autosize
          />
          <Group gap="sm" grow>
            <TextInput
              type="datetime-local"
              label="Planned work from"
              value={wish.from}
              onChange={(event) => set({ from: event.currentTarget.value })}
            />
            <TextInput
              type="datetime-local"
              label="Until"
              value={wish.to}
              onChange={(event) => set({ to: event.currentTarget.value })}
            />
          </Group>
        </Stack>
      }
      isFormReady={wish.title.trim() !== '' && (wish.from === '') === (wish.to === '')}
      run={async () => {
        await addPost(request)
        setWish(EMPTY)
      }}
    />
  )
}
