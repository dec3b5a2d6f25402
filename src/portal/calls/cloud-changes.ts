// What the portal changes of the cloud itself: regions, machines, people, tokens, notices, the Service Dashboard.
import type {
  AccountView,
  ChangePassword,
  CreatePublishSettings,
  CreateToken,
  DashboardSettings,
  InvitationView,
  InviteAccount,
  JoinTokenRequest,
  JoinTokenView,
  NewNoticeTarget,
  NewStatusPost,
  NewTokenView,
  NoticeTargetMade,
  PublishSettingsView,
  RegionView,
  RevocationView,
  SetRole,
  StatusPostView,
} from '../../contract/api.ts'
import { API } from '../../contract/api-routes.ts'
import { CallFault, call, pathOf } from './call.ts'

const POST = { method: 'POST' } as const
const DELETE = { method: 'DELETE' } as const
const PATCH = { method: 'PATCH' } as const

export const changeRegion = (region: string, wanted: { sharedSlots: number; reservedUnits: number }) =>
  call<RegionView>(pathOf(API.region, { region }), { ...PATCH, body: wanted })

export const createJoinToken = (request: JoinTokenRequest) =>
  call<JoinTokenView>(API.joinTokens, { ...POST, body: request })

/** What is lost with the machine. Throws what stands against it. */
export async function planRevoke(machine: string): Promise<string[]> {
  const view = await call<RevocationView>(pathOf(API.machineRevoke, { machine }), { ...POST, body: { isDryRun: true } })
  if (view.refusal) throw new CallFault(0, view.refusal)
  const held = [
    ...view.primaries.map((name) => `The primary of ${name} is on it`),
    ...view.services.map((name) => `${name} runs on it`),
    ...view.standbys.map((name) => `The standby of ${name} is on it`),
  ]
  return [`${machine} is refused everywhere from now on`, ...held]
}
export const revoke = (machine: string) =>
  call<RevocationView>(pathOf(API.machineRevoke, { machine }), { ...POST, body: {} })

export const invite = (request: InviteAccount) => call<InvitationView>(API.accounts, { ...POST, body: request })
export const inviteAgain = (account: string) => call<InvitationView>(pathOf(API.invite, { account }), POST)
export const setRole = (account: string, wanted: SetRole) =>
  call<AccountView>(pathOf(API.account, { account }), { ...PATCH, body: wanted })
export const deleteAccount = (account: string) => call<void>(pathOf(API.account, { account }), DELETE)

export const createToken = (request: CreateToken) => call<NewTokenView>(API.tokens, { ...POST, body: request })
export const createPublishSettings = (request: CreatePublishSettings) =>
  call<PublishSettingsView>(API.publishSettings, { ...POST, body: request })
export const revokeToolCertificate = (certificate: string) =>
  call<void>(pathOf(API.toolCertificate, { certificate }), DELETE)
export const deleteToken = (token: string) => call<void>(pathOf(API.token, { token }), DELETE)

export const changePassword = (request: ChangePassword) => call<void>(API.password, { method: 'PUT', body: request })

export const addTarget = (request: NewNoticeTarget) =>
  call<NoticeTargetMade>(API.noticeTargets, { ...POST, body: request })
export const removeTarget = (target: string) => call<void>(pathOf(API.noticeTarget, { target }), DELETE)
export const tryTarget = (target: string) => call<void>(pathOf(API.tryNotice, { target }), POST)

export const addPost = (request: NewStatusPost) => call<StatusPostView>(API.statusPosts, { ...POST, body: request })
export const removePost = (post: string) => call<void>(pathOf(API.statusPost, { post }), DELETE)
export const changeDashboard = (wanted: DashboardSettings) =>
  call<DashboardSettings>(API.dashboard, { ...PATCH, body: wanted })
