// Who is signed in, and what they may do; asked of control, never kept by the portal.
import { type QueryClient, queryOptions, useQuery } from '@tanstack/react-query'
import type { AcceptInvitation, SessionView, SignIn } from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'
import { CallFault, call } from '../calls/call.ts'

const KEY = ['session']
const UNAUTHORIZED = 401

/** Null: nobody is. */
export const sessionQuery = () =>
  queryOptions({
    queryKey: KEY,
    queryFn: async ({ signal }): Promise<SessionView | null> => {
      try {
        return await call<SessionView>(API.session, { signal })
      } catch (error) {
        if (isSignedOut(error)) return null
        throw error
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
  })

/** `change`: an operator or an owner. `own`: an owner. Only what is shown depends on it; control decides. */
export function useMay(): { change: boolean; own: boolean } {
  const { data } = useQuery(sessionQuery())
  return { change: data?.role === 'operator' || data?.role === 'owner', own: data?.role === 'owner' }
}

export async function signIn(client: QueryClient, request: SignIn): Promise<void> {
  begin(client, await call<SessionView>(API.session, { method: 'POST', body: request }))
}

export async function acceptInvitation(client: QueryClient, request: AcceptInvitation): Promise<void> {
  begin(client, await call<SessionView>(API.invitation, { method: 'POST', body: request }))
}

export async function signOut(client: QueryClient): Promise<void> {
  await call(API.session, { method: 'DELETE' })
  end(client)
}

/** What one person saw is not kept for the next. */
export function end(client: QueryClient): void {
  client.setQueryData(KEY, null)
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] })
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof CallFault && error.status === UNAUTHORIZED
}

function begin(client: QueryClient, session: SessionView): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] })
  client.setQueryData(KEY, session)
}
