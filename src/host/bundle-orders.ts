// Orders about divergence bundles: pieces of one, what applying it would do, and applying it.
import type { FastifyInstance } from 'fastify'
import type { ApplyRequest, BundleApplied, BundlePiece, BundlePreview, PreviewRequest } from '../contract/divergence.ts'
import { applyBundle } from '../databases/divergence/apply.ts'
import { previewBundle } from '../databases/divergence/preview.ts'
import type { Host } from './host.ts'
import type { Jobs } from './jobs.ts'

type Params = { server: string; epoch: string }
type Job = { job: string }

/** Adds the routes; who may order is decided by who adds them. */
export function addBundleOrders(app: FastifyInstance, host: Host, jobs: Jobs): void {
  const nameOf = ({ server, epoch }: Params) => ({ server, epoch: Number(epoch) })

  app.get<{ Params: Params; Querystring: { offset: string } }>('/bundles/:server/:epoch', async (request) => {
    return await host.bundles.read(nameOf(request.params), Number(request.query.offset))
  })
  app.put<{ Params: Params; Body: BundlePiece }>('/bundles/:server/:epoch', async (request) => {
    return await host.bundles.write(nameOf(request.params), request.body)
  })
  // Both take as long as the bundle is large: they are jobs, asked about until they are done.
  app.post<{ Params: Params; Body: PreviewRequest & Job }>('/bundles/:server/:epoch/preview', async (request) => {
    const { job, ...wanted } = request.body
    const name = nameOf(request.params)
    return await jobs.ask(`preview ${job}`, async () => await preview(host, name, wanted))
  })
  app.post<{ Params: Params; Body: ApplyRequest & Job }>('/bundles/:server/:epoch/apply', async (request) => {
    const { job, ...wanted } = request.body
    const name = nameOf(request.params)
    return await jobs.ask(`apply ${job}`, async () => await apply(host, name, wanted))
  })
}

async function preview(
  host: Host,
  name: { server: string; epoch: number },
  { schema, from, count }: PreviewRequest,
): Promise<BundlePreview> {
  const bundle = await host.bundles.open(name)
  const options = { ...(schema === undefined ? {} : { schema }), page: { from, count } }
  const { clean, already, conflicts, changes } = await host
    .getApps(name.server)
    .use(async (client) => await previewBundle(client, bundle, options))
  return { clean, already, conflicts, changes }
}

async function apply(
  host: Host,
  name: { server: string; epoch: number },
  { schema, onConflict }: ApplyRequest,
): Promise<BundleApplied> {
  const bundle = await host.bundles.open(name)
  const options = { onConflict, ...(schema === undefined ? {} : { schema }) }
  const { listed, ...counts } = await host
    .getApps(name.server)
    .use(async (client) => await applyBundle(client, bundle, options))
  return { ...counts, examples: listed.map(({ reason }) => reason.message) }
}
