// The launcher of a thread: loads the module that it was given, and runs its `runThread`.
import * as module from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { stripTypesUnderNodeModules } from './strip-types.mjs'

module.enableCompileCache?.()
stripTypesUnderNodeModules()
const { runThread } = await import(workerData.module)
await runThread(parentPort, workerData)
