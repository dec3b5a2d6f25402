// The environment variables that roles read; the CLI has its own list.

export type Environment = {
  logLevel: string
  joinToken: string | null
  /** URL of an external control database; holds a password, so the environment is a better place than an option. */
  controlDatabase: string | null
  /** Folders for archives of the control database, separated by commas. */
  controlVaults: string[]
  /** Where a host's backups go, and what opens a bucket. */
  vault: string | null
  vaultAccessKeyId: string | null
  vaultSecretAccessKey: string | null
  /** Where control sends mail, with user and password in the URL, and in whose name. */
  smtpUrl: string | null
  smtpFrom: string | null
  /** Where people find the portal, when its option does not say it. */
  portalUrl: string | null
  /** An OpenID provider by which people may sign in: its issuer, and who we are to it. */
  oidcIssuer: string | null
  oidcClientId: string | null
  oidcClientSecret: string | null
  oidcLabel: string | null
  /** Private networks that webhooks may lead to, separated by commas. */
  egressAllow: string[]
  /** Where npm modules of scripts come from, and what it is to be shown. */
  npmRegistry: string | null
  npmToken: string | null
  /** Where a gateway answers by HTTPS, and the files of its own certificate, when its options do not say it. */
  tlsPort: string | null
  tlsCert: string | null
  tlsKey: string | null
  /** Under which port apps reach it by HTTPS, and whose word it believes about the protocol of a request. */
  tlsPublicPort: string | null
  trustProxy: string[]
  /** Where control answers the original's tools, when its option does not say it; `none`: nowhere. */
  managementPort: string | null
  /** Where each role answers `/metrics`, when its option does not say it; null: nowhere. */
  metricsAddress: string | null
  /** Where programs of the system are found, such as git. */
  searchPath: string
  /** Where a test arms fault points; null outside of tests. */
  faultPointsFolder: string | null
}

/** Read when called, never at load. */
export function environment(): Environment {
  return {
    logLevel: process.env.MAINSTAY_LOG ?? 'info',
    joinToken: process.env.MAINSTAY_JOIN_TOKEN ?? null,
    controlDatabase: process.env.MAINSTAY_CONTROL_DB || null,
    controlVaults: (process.env.MAINSTAY_CONTROL_VAULT ?? '').split(',').filter((folder) => folder.trim() !== ''),
    vault: process.env.MAINSTAY_VAULT || null,
    vaultAccessKeyId: process.env.MAINSTAY_VAULT_ACCESS_KEY_ID || null,
    vaultSecretAccessKey: process.env.MAINSTAY_VAULT_SECRET_ACCESS_KEY || null,
    smtpUrl: process.env.MAINSTAY_SMTP_URL || null,
    smtpFrom: process.env.MAINSTAY_SMTP_FROM || null,
    portalUrl: process.env.MAINSTAY_PORTAL_URL || null,
    oidcIssuer: process.env.MAINSTAY_OIDC_ISSUER || null,
    oidcClientId: process.env.MAINSTAY_OIDC_CLIENT_ID || null,
    oidcClientSecret: process.env.MAINSTAY_OIDC_CLIENT_SECRET || null,
    oidcLabel: process.env.MAINSTAY_OIDC_LABEL || null,
    egressAllow: (process.env.MAINSTAY_EGRESS_ALLOW ?? '').split(',').filter((network) => network.trim() !== ''),
    npmRegistry: process.env.MAINSTAY_NPM_REGISTRY || null,
    npmToken: process.env.MAINSTAY_NPM_TOKEN || null,
    tlsPort: process.env.MAINSTAY_TLS_PORT || null,
    tlsCert: process.env.MAINSTAY_TLS_CERT || null,
    tlsKey: process.env.MAINSTAY_TLS_KEY || null,
    tlsPublicPort: process.env.MAINSTAY_TLS_PUBLIC_PORT || null,
    trustProxy: (process.env.MAINSTAY_TRUST_PROXY ?? '').split(',').filter((network) => network.trim() !== ''),
    managementPort: process.env.MAINSTAY_MANAGEMENT_PORT || null,
    metricsAddress: process.env.MAINSTAY_METRICS_ADDRESS || null,
    searchPath: process.env.PATH || '/usr/local/bin:/usr/bin:/bin',
    faultPointsFolder: process.env.MAINSTAY_FAULT_POINTS ?? null,
  }
}
