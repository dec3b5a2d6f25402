// Source control, as the CLI calls control for it: preview features, deployments, deployment users.
import type { Deploy, DeployedView, DeploymentUserView, DeploymentView, PreviewView } from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { type ControlCalls, FOLLOWED, fill } from './control-calls.ts'

/** The calls for source control. */
export class SourceClient {
  readonly #calls: ControlCalls

  constructor(calls: ControlCalls) {
    this.#calls = calls
  }

  async listPreviews(service: string): Promise<PreviewView[]> {
    return await this.#calls.list('PreviewView', fill(API.previews, { service }))
  }

  async enablePreview(service: string, preview: string): Promise<PreviewView> {
    const path = fill(API.preview, { service, preview })
    return await this.#calls.send('PreviewView', { verb: 'PUT', path, ...FOLLOWED })
  }

  async listDeployments(service: string): Promise<DeploymentView[]> {
    return await this.#calls.list('DeploymentView', fill(API.deployments, { service }))
  }

  async getDeployment(service: string, deployment: number): Promise<DeploymentView> {
    return await this.#calls.get('DeploymentView', fill(API.deployment, { service, deployment: String(deployment) }))
  }

  async deploy(service: string, wanted: Deploy): Promise<DeployedView> {
    const path = fill(API.deployments, { service })
    return await this.#calls.send('DeployedView', { verb: 'POST', path, body: wanted, ...FOLLOWED })
  }

  async listUsers(): Promise<DeploymentUserView[]> {
    return await this.#calls.list('DeploymentUserView', API.deploymentUsers)
  }

  async setUser(user: string, password: string): Promise<void> {
    await this.#calls.call({ verb: 'PUT', path: fill(API.deploymentUser, { user }), body: { password } })
  }

  async deleteUser(user: string): Promise<void> {
    await this.#calls.call({ verb: 'DELETE', path: fill(API.deploymentUser, { user }) })
  }
}
