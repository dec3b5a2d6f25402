// Where the portal begins in a browser.
import '@mantine/core/styles.css'
import './shell/base.css'
import { MantineProvider } from '@mantine/core'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createRoot } from 'react-dom/client'
import { CallFault } from './calls/call.ts'
import { end, isSignedOut } from './session/session.ts'
import { Portal } from './shell/portal.tsx'
import { shareStyleNonce, styleNonce } from './shell/style-nonce.ts'
import { theme, variables } from './shell/theme.ts'

const STALE_MS = 1_000
const RETRIES_MAX = 2
const SERVER_FAULT = 500

function makeClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      // A session ends at any moment: the sign-in page takes the place of what is shown, at the same address.
      onError: (error) => {
        if (isSignedOut(error)) end(client)
      },
    }),
    defaultOptions: {
      queries: { staleTime: STALE_MS, retry: (count, error) => count < RETRIES_MAX && isWorthRetrying(error) },
    },
  })
  return client
}

// What was refused is refused again; what did not answer may.
function isWorthRetrying(error: Error): boolean {
  return !(error instanceof CallFault) || error.status === 0 || error.status >= SERVER_FAULT
}

const root = document.getElementById('root')
if (root) {
  shareStyleNonce()
  createRoot(root).render(
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      getStyleNonce={styleNonce}
    >
      <QueryClientProvider client={makeClient()}>
        <Portal />
      </QueryClientProvider>
    </MantineProvider>,
  )
}
