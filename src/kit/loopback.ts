// Names and addresses of this machine itself, which nobody else can listen to.

const LOOPBACK = /^(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i

/** True for the host of a URL or of a Host header, without its port, that is this machine (RFC 6761, part 6.3). */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.test(host)
}
