// What a mobile service runs beside its tables, scripts, custom APIs, app settings and providers, as the CLI calls
// control for it.
import type {
  CreateCustomApi,
  CreateJob,
  CustomApiView,
  JobRunView,
  JobView,
  LogView,
  NpmModulesView,
  RunningScriptsView,
  ScriptTextView,
  ScriptVersionView,
  ScriptWrittenView,
  SetApiPermissions,
  SetAppSetting,
  SetAuthProvider,
  StoredChangeView,
  UpdateJob,
} from '../contract/api.ts'
import { API } from '../contract/api-routes.ts'
import { PACKAGE_FILE } from '../contract/npm-modules.ts'
import { NPM_INSTALL_MS_MAX } from '../kit/limits.ts'
import { type ControlCalls, FOLLOWED, fill } from './control-calls.ts'

/** The calls for what a service runs. */
export class ScriptClient {
  readonly #calls: ControlCalls

  constructor(calls: ControlCalls) {
    this.#calls = calls
  }

  list = async (service: string) => await this.#calls.list('ScriptView', fill(API.scripts, { service }))

  async listVersions(service: string, script: string): Promise<ScriptVersionView[]> {
    return await this.#calls.list('ScriptVersionView', fill(API.scriptVersions, { service, script }))
  }

  /** The text in force, or that of a version. */
  async read(service: string, script: string, version?: number): Promise<ScriptTextView> {
    const query = version === undefined ? {} : { version: String(version) }
    return await this.#calls.send('ScriptTextView', { verb: 'GET', path: fill(API.script, { service, script }), query })
  }

  async upload(service: string, script: string, text: string): Promise<ScriptWrittenView> {
    const path = fill(API.script, { service, script })
    return await this.#calls.send('ScriptWrittenView', { verb: 'PUT', path, body: { text }, ...FOLLOWED })
  }

  /** With the lock file that was beside it, if any. Control answers when all is installed. */
  async uploadPackage(service: string, text: string, lock: string | null): Promise<ScriptWrittenView> {
    const path = fill(API.script, { service, script: PACKAGE_FILE })
    const body = { text, ...(lock === null ? {} : { lock }) }
    const timeoutMs = NPM_INSTALL_MS_MAX + FOLLOWED.timeoutMs
    return await this.#calls.send('ScriptWrittenView', { verb: 'PUT', path, body, timeoutMs })
  }

  async npmModules(service: string): Promise<NpmModulesView> {
    return await this.#calls.get('NpmModulesView', fill(API.npmModules, { service }))
  }

  async delete(service: string, script: string): Promise<ScriptWrittenView> {
    const path = fill(API.script, { service, script })
    return await this.#calls.send('ScriptWrittenView', { verb: 'DELETE', path, ...FOLLOWED })
  }

  async running(service: string): Promise<RunningScriptsView> {
    return await this.#calls.get('RunningScriptsView', fill(API.runningScripts, { service }))
  }

  listApis = async (service: string) => await this.#calls.list('CustomApiView', fill(API.customApis, { service }))

  async getApi(service: string, api: string): Promise<CustomApiView> {
    return await this.#calls.get('CustomApiView', fill(API.customApi, { service, api }))
  }

  async createApi(service: string, request: CreateCustomApi): Promise<StoredChangeView> {
    const path = fill(API.customApis, { service })
    return await this.#calls.send('StoredChangeView', { verb: 'POST', path, body: request, ...FOLLOWED })
  }

  async updateApi(service: string, api: string, permissions: SetApiPermissions): Promise<StoredChangeView> {
    const path = fill(API.customApi, { service, api })
    return await this.#calls.send('StoredChangeView', { verb: 'PUT', path, body: permissions, ...FOLLOWED })
  }

  async deleteApi(service: string, api: string): Promise<StoredChangeView> {
    const path = fill(API.customApi, { service, api })
    return await this.#calls.send('StoredChangeView', { verb: 'DELETE', path, ...FOLLOWED })
  }

  listJobs = async (service: string) => await this.#calls.list('JobView', fill(API.jobs, { service }))

  async getJob(service: string, job: string): Promise<JobView> {
    return await this.#calls.get('JobView', fill(API.job, { service, job }))
  }

  async createJob(service: string, request: CreateJob): Promise<StoredChangeView> {
    const path = fill(API.jobs, { service })
    return await this.#calls.send('StoredChangeView', { verb: 'POST', path, body: request, ...FOLLOWED })
  }

  async updateJob(service: string, job: string, request: UpdateJob): Promise<StoredChangeView> {
    const path = fill(API.job, { service, job })
    return await this.#calls.send('StoredChangeView', { verb: 'PATCH', path, body: request, ...FOLLOWED })
  }

  async deleteJob(service: string, job: string): Promise<StoredChangeView> {
    const path = fill(API.job, { service, job })
    return await this.#calls.send('StoredChangeView', { verb: 'DELETE', path, ...FOLLOWED })
  }

  async runJob(service: string, job: string): Promise<void> {
    await this.#calls.call({ verb: 'POST', path: fill(API.jobRuns, { service, job }) })
  }

  async listJobRuns(service: string, job: string, top: number): Promise<JobRunView[]> {
    return await this.#calls.list('JobRunView', fill(API.jobRuns, { service, job }), { top: String(top) })
  }

  async readLog(service: string, query: Record<string, string>): Promise<LogView> {
    return await this.#calls.send('LogView', { verb: 'GET', path: fill(API.log, { service }), query })
  }

  listAppSettings = async (service: string) =>
    await this.#calls.list('AppSettingView', fill(API.appSettings, { service }))

  async setAppSetting(service: string, setting: string, request: SetAppSetting): Promise<StoredChangeView> {
    const path = fill(API.appSetting, { service, setting })
    return await this.#calls.send('StoredChangeView', { verb: 'PUT', path, body: request, ...FOLLOWED })
  }

  async deleteAppSetting(service: string, setting: string): Promise<StoredChangeView> {
    const path = fill(API.appSetting, { service, setting })
    return await this.#calls.send('StoredChangeView', { verb: 'DELETE', path, ...FOLLOWED })
  }

  listAuthProviders = async (service: string) =>
    await this.#calls.list('AuthProviderView', fill(API.authProviders, { service }))

  async setAuthProvider(service: string, provider: string, request: SetAuthProvider): Promise<StoredChangeView> {
    const path = fill(API.authProvider, { service, provider })
    return await this.#calls.send('StoredChangeView', { verb: 'PUT', path, body: request, ...FOLLOWED })
  }

  async deleteAuthProvider(service: string, provider: string): Promise<StoredChangeView> {
    const path = fill(API.authProvider, { service, provider })
    return await this.#calls.send('StoredChangeView', { verb: 'DELETE', path, ...FOLLOWED })
  }
}
