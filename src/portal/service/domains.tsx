// Host names of a service's own and the certificates for them, on the tab Configure.
import { FileInput, Group, NativeSelect, PasswordInput, Stack, Table, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { CertificateView, DomainView } from '../../contract/api.ts'
import {
  addCertificate,
  addDomain,
  base64Of,
  deleteCertificate,
  deleteDomain,
  disableSsl,
  enableSsl,
  issueCertificate,
} from '../calls/domain-changes.ts'
import { certificatesQuery, domainsQuery } from '../calls/queries.ts'
import { formatMoment } from '../kit/amounts.ts'
import { ChangeButton } from '../kit/change-dialog.tsx'
import { Icon } from '../kit/icon.tsx'
import { Loaded } from '../kit/loaded.tsx'
import { Panel } from '../kit/panel.tsx'
import { Wide } from '../kit/wide.tsx'
import { useMay } from '../session/session.ts'

const ISSUED = 'issued'

export function DomainsPanel({ service }: { service: string }) {
  const may = useMay()
  const domains = useQuery(domainsQuery(service))
  const { data: certificates = [] } = useQuery(certificatesQuery(service))
  return (
    <Panel
      title="Domains"
      about="Host names of its own. They belong to the service wherever it is served: a recovery changes nothing about them."
      actions={may.change ? <AddDomainButton service={service} /> : null}
    >
      <Loaded query={domains} what="the domains">
        {(data) => (
          <Wide minWidth={620}>
            <Table aria-label="Domains">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Domain</Table.Th>
                  <Table.Th>HTTPS</Table.Th>
                  <Table.Th>Certificate ends</Table.Th>
                  {may.change ? <Table.Th>Actions</Table.Th> : null}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.map((domain) => (
                  <Table.Tr key={domain.name}>
                    <Table.Td>{domain.name}</Table.Td>
                    <Table.Td>{httpsText(domain)}</Table.Td>
                    <Table.Td>{domain.expiresAt === null ? '' : formatMoment(domain.expiresAt)}</Table.Td>
                    {may.change ? (
                      <Table.Td>{domain.isOwn ? <Actions {...{ service, domain, certificates }} /> : null}</Table.Td>
                    ) : null}
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Wide>
        )}
      </Loaded>
    </Panel>
  )
}

function httpsText({ isOwn, isIssued, issueProblem, sslState }: DomainView): string {
  if (!isOwn) return 'as the gateway has it'
  if (issueProblem !== null) return `could not be issued: ${issueProblem}`
  if (isIssued) return sslState === null ? 'being issued' : 'on; renewed by itself'
  return sslState === null ? 'off' : 'on'
}

type RowProps = { service: string; domain: DomainView; certificates: CertificateView[] }

function Actions({ service, domain, certificates }: RowProps) {
  return (
    <Group gap="xs">
      {domain.sslState === null ? (
        <EnableButton {...{ service, domain, certificates }} />
      ) : (
        <ChangeButton
          label="Disable HTTPS"
          isSmall
          isDangerous
          title={`Disable HTTPS for ${domain.name}`}
          verb="Disable"
          about="Apps that come by HTTPS are refused from then on."
          run={() => disableSsl(service, domain.name)}
        />
      )}
      <ChangeButton
        label="Delete"
        isSmall
        isDangerous
        title={`Delete ${domain.name}`}
        verb="Delete"
        about="Apps that use this name get no answer any more."
        run={() => deleteDomain(service, domain.name)}
      />
    </Group>
  )
}

function EnableButton({ service, domain, certificates }: RowProps) {
  const [chosen, setChosen] = useState('')
  const choices = certificates.map(({ thumbprint, hostNames }) => ({
    value: thumbprint,
    label: `${hostNames.join(', ')} (${thumbprint.slice(0, 8)}…)`,
  }))
  const run = async (key: string) =>
    chosen === ISSUED
      ? await issueCertificate(service, domain.name, key)
      : await enableSsl(service, domain.name, chosen)
  return (
    <ChangeButton
      label="Enable HTTPS"
      isSmall
      title={`Enable HTTPS for ${domain.name}`}
      verb="Enable"
      form={
        <NativeSelect
          label="Certificate"
          description="One that was added to the service, or one that the authority of this cloud issues and renews."
          value={chosen}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={[{ value: '', label: 'Choose a certificate' }, ...choices, { value: ISSUED, label: 'Have one issued' }]}
        />
      }
      isFormReady={chosen !== ''}
      run={run}
    />
  )
}

function AddDomainButton({ service }: { service: string }) {
  const [name, setName] = useState('')
  return (
    <ChangeButton
      label="Add a domain"
      icon={<Icon name="plus" />}
      title="Add a domain"
      verb="Add"
      form={
        <TextInput
          label="Host name"
          description="Its DNS record is to lead to your gateways."
          placeholder="api.example.com"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          autoComplete="off"
          data-autofocus
        />
      }
      isFormReady={name.trim() !== ''}
      run={() => addDomain(service, name.trim())}
    />
  )
}

export function CertificatesPanel({ service }: { service: string }) {
  const may = useMay()
  const certificates = useQuery(certificatesQuery(service))
  return (
    <Panel
      title="Certificates"
      about="For its domains. Private keys are shown to nobody."
      actions={may.change ? <AddCertificateButton service={service} /> : null}
    >
      <Loaded query={certificates} what="the certificates">
        {(data) =>
          data.length === 0 ? (
            <Text size="sm">There is none.</Text>
          ) : (
            <Wide minWidth={720}>
              <Table aria-label="Certificates">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Host names</Table.Th>
                    <Table.Th>Issuer</Table.Th>
                    <Table.Th>Ends</Table.Th>
                    <Table.Th>Thumbprint</Table.Th>
                    <Table.Th>Shown for</Table.Th>
                    {may.change ? <Table.Th>Actions</Table.Th> : null}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map((one) => (
                    <Table.Tr key={one.thumbprint}>
                      <Table.Td>{one.hostNames.join(', ')}</Table.Td>
                      <Table.Td>{one.issuer}</Table.Td>
                      <Table.Td>{formatMoment(one.expirationDate)}</Table.Td>
                      <Table.Td>{one.thumbprint}</Table.Td>
                      <Table.Td>{one.domains.join(', ') || 'nothing'}</Table.Td>
                      {may.change ? (
                        <Table.Td>
                          <ChangeButton
                            label="Delete"
                            isSmall
                            isDangerous
                            isDisabled={one.domains.length > 0}
                            title={`Delete the certificate for ${one.hostNames.join(', ')}`}
                            verb="Delete"
                            run={() => deleteCertificate(service, one.thumbprint)}
                          />
                        </Table.Td>
                      ) : null}
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
          )
        }
      </Loaded>
    </Panel>
  )
}

function AddCertificateButton({ service }: { service: string }) {
  const [file, setFile] = useState<File | null>(null)
  const [keyFile, setKeyFile] = useState<File | null>(null)
  const [password, setPassword] = useState('')
  const isPfx = /\.(pfx|p12)$/i.test(file?.name ?? '')
  const run = async () => {
    const unlock = password === '' ? {} : { password }
    if (isPfx) return await addCertificate(service, { pfx: await base64Of(file ?? new Blob()), ...unlock })
    const chain = (await file?.text()) ?? ''
    return await addCertificate(service, { chain, key: (await keyFile?.text()) ?? '', ...unlock })
  }
  return (
    <ChangeButton
      label="Add a certificate"
      icon={<Icon name="plus" />}
      title="Add a certificate"
      verb="Add"
      form={
        <Stack gap="sm">
          <FileInput
            label="Certificate"
            description="A .pfx file, or PEM with those that issued it."
            accept=".pfx,.p12,.pem,.crt,.cer"
            value={file}
            onChange={setFile}
          />
          {file !== null && !isPfx ? (
            <FileInput label="Private key, PEM" accept=".pem,.key" value={keyFile} onChange={setKeyFile} />
          ) : null}
          <PasswordInput
            label="Password"
            description="Where the file has one."
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="off"
          />
        </Stack>
      }
      isFormReady={file !== null && (isPfx || keyFile !== null)}
      run={run}
    />
  )
}
