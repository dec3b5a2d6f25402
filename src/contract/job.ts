// Work at a host that takes longer than a call may: asked about by name until it is done.

/** How it stands; asked again under the same name, it is the same work. `hint`: what to do about a failure, if known. */
export type JobAnswer<T> =
  | { state: 'running' }
  | { state: 'done'; result: T }
  | { state: 'failed'; code: string; message: string; hint?: string }
