// The management API as people's clients see it: schemas of what control answers and takes. Its routes: api-routes.ts.

export * from './api/divergence.ts'
export * from './api/machine.ts'
export * from './api/operation.ts'
export * from './api/parts.ts'
export * from './api/recovery.ts'
export * from './api/script.ts'
export * from './api/server.ts'
export * from './api/service.ts'
export * from './api/status.ts'
export * from './api/table.ts'
