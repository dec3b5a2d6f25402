// Source control of a service on the tab Configure: where git finds its repository, what was deployed, going back.
import { Group, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { DeploymentView } from '../../contract/api.ts'
import { SOURCE_CONTROL } from '../../contract/deployment.ts'
import { deploymentsQuery, previewsQuery } from '../calls/queries.ts'
import { enablePreview, rollBack } from '../calls/source-changes.ts'
import { formatMoment } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { CommandLine } from '../kit/command-line.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'

const SHORT = 10
const SHOWN = 10

export function SourcePanel({ service }: { service: string }) {
  const may = useMay()
  const previews = useQuery(previewsQuery(service))
  const url = previews.data?.find(({ name }) => name === SOURCE_CONTROL)?.url ?? null
  const enable = (
    <ChangeButton
      label="Set up source control"
      title={`Set up source control of ${service}`}
      verb="Set up"
      about="What runs now is the first commit of a repository of git. From then on a push deploys, and changes made here are commits."
      run={() => enablePreview(service)}
    />
  )
  return (
    <Panel
      title="Source control"
      about="A repository of git: a push to master or main is checked and deployed at once. It stays where it is when the service moves."
      actions={may.change && previews.isSuccess && url === null ? enable : null}
    >
      <Loaded query={previews} what="source control">
        {() => (url === null ? <Text>It is not set up.</Text> : <Repository {...{ service, url }} />)}
      </Loaded>
    </Panel>
  )
}

function Repository({ service, url }: { service: string; url: string }) {
  const deployments = useQuery(deploymentsQuery(service))
  return (
    <Stack gap="sm">
      <CommandLine command={`git clone ${url}`} />
      <Loaded query={deployments} what="the deployments">
        {(data) => (data.length === 0 ? <Text>Nothing was pushed yet.</Text> : <Deployments {...{ service, data }} />)}
      </Loaded>
    </Stack>
  )
}

function Deployments({ service, data }: { service: string; data: DeploymentView[] }) {
  const may = useMay()
  const running = data.find(({ state }) => state === 'deployed')
  return (
    <Wide minWidth={720}>
      <Table aria-label="Deployments">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Number</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Commit</Table.Th>
            <Table.Th>Author</Table.Th>
            <Table.Th>Message</Table.Th>
            <Table.Th>At</Table.Th>
            {may.change ? <Table.Th>Actions</Table.Th> : null}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {data.slice(0, SHOWN).map((one) => (
            <Table.Tr key={one.number}>
              <Table.Td>{one.number}</Table.Td>
              <Table.Td>{one === running ? 'runs' : one.state}</Table.Td>
              <Table.Td>{one.commit.slice(0, SHORT)}</Table.Td>
              <Table.Td>{one.author}</Table.Td>
              <Table.Td>{one.message}</Table.Td>
              <Table.Td>{formatMoment(one.createdAt)}</Table.Td>
              {may.change ? (
                <Table.Td>
                  {one.state === 'deployed' && one !== running ? <BackButton {...{ service, one }} /> : null}
                </Table.Td>
              ) : null}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  )
}

function BackButton({ service, one }: { service: string; one: DeploymentView }) {
  return (
    <Group gap="xs">
      <ChangeButton
        label="Go back to it"
        isSmall
        title={`Go back to deployment ${one.number}`}
        verb="Go back"
        about="A new commit with its files is checked and deployed. Rows of tables stay as they are."
        run={() => rollBack(service, one.number)}
      />
    </Group>
  )
}
