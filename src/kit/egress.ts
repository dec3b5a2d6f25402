// Where scripts may connect to: an address is allowed, or refused with the reason. Pure; whoever connects must ask for
// the very address that is dialled, after the name was resolved, or a name could change its mind in between.
import { BlockList, isIP, isIPv4 } from 'node:net'

export type EgressVerdict = { isAllowed: true } | { isAllowed: false; reason: string }

// The first match tells the reason, so the narrow ranges come before the wide ones.
const REFUSED_V4: [string, number, string][] = [
  ['169.254.169.254', 32, 'cloud metadata'],
  ['169.254.170.2', 32, 'cloud metadata'],
  ['168.63.129.16', 32, 'cloud metadata'],
  ['100.100.100.200', 32, 'cloud metadata'],
  ['192.0.0.192', 32, 'cloud metadata'],
  ['255.255.255.255', 32, 'broadcast'],
  ['0.0.0.0', 8, 'unspecified'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local'],
  ['10.0.0.0', 8, 'private'],
  ['172.16.0.0', 12, 'private'],
  ['192.168.0.0', 16, 'private'],
  ['100.64.0.0', 10, 'carrier-grade NAT'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'documentation'],
  ['198.51.100.0', 24, 'documentation'],
  ['203.0.113.0', 24, 'documentation'],
  ['192.88.99.0', 24, 'reserved'],
  ['198.18.0.0', 15, 'benchmarking'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
]
const REFUSED_V6: [string, number, string][] = [
  ['fd00:ec2::254', 128, 'cloud metadata'],
  ['fd20:ce::254', 128, 'cloud metadata'],
  ['::', 128, 'unspecified'],
  ['::1', 128, 'loopback'],
  ['fe80::', 10, 'link-local'],
  ['fec0::', 10, 'private'],
  ['fc00::', 7, 'unique-local'],
  ['ff00::', 8, 'multicast'],
  ['100::', 64, 'discard'],
  ['2001:db8::', 32, 'documentation'],
  ['3fff::', 20, 'documentation'],
]
// Forms that carry an IPv4 address: what counts is that one. The number is the byte at which it begins.
const EMBEDDED: [string, number, number][] = [
  ['::ffff:0:0', 96, 12],
  ['::ffff:0:0:0', 96, 12],
  ['::', 96, 12],
  ['64:ff9b::', 96, 12],
  ['2002::', 16, 2],
]
// Everything that is routed on the internet lies in here. Teredo hides its IPv4 address, and local NAT64 prefixes may
// be laid out in any way: both are refused whole, as is what has not been given out.
const GLOBAL_V6 = subnet('2000::', 3, 'ipv6')
const REFUSED_WHOLE: [string, number, string][] = [
  ['2001::', 32, 'Teredo'],
  ['64:ff9b:1::', 48, 'local-use NAT64'],
]

const V4 = REFUSED_V4.map(([net, bits, reason]) => ({ list: subnet(net, bits, 'ipv4'), reason }))
const V6 = [...REFUSED_V6, ...REFUSED_WHOLE].map(([net, bits, reason]) => ({ list: subnet(net, bits, 'ipv6'), reason }))
const CARRIERS = EMBEDDED.map(([net, bits, at]) => ({ list: subnet(net, bits, 'ipv6'), at }))

/** The verdict on an address in text form. What is no address is refused: names must be resolved first. */
export function egressTo(address: string): EgressVerdict {
  // A zone (`fe80::1%eth0`) only says through which interface.
  const bare = address.split('%')[0] ?? ''
  if (isIP(bare) === 0) return refused('not an address')
  return isIPv4(bare) ? verdictV4(bare) : verdictV6(bare)
}

function verdictV4(address: string): EgressVerdict {
  const found = V4.find(({ list }) => list.check(address, 'ipv4'))
  return found ? refused(found.reason) : { isAllowed: true }
}

function verdictV6(address: string): EgressVerdict {
  const found = V6.find(({ list }) => list.check(address, 'ipv6'))
  if (found) return refused(found.reason)
  const carrier = CARRIERS.find(({ list }) => list.check(address, 'ipv6'))
  if (carrier) return verdictV4([...bytesOf(address).subarray(carrier.at, carrier.at + 4)].join('.'))
  return GLOBAL_V6.check(address, 'ipv6') ? { isAllowed: true } : refused('not given out')
}

function refused(reason: string): EgressVerdict {
  return { isAllowed: false, reason }
}

function subnet(net: string, bits: number, family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  list.addSubnet(net, bits, family)
  return list
}

// The sixteen bytes of an IPv6 address that was checked to be one.
function bytesOf(address: string): Buffer {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const text = dotted ? `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}` : address
  const [head = '', tail] = text.split('::')
  const left = groupsOf(head)
  const right = groupsOf(tail ?? '')
  const groups = tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill(0), ...right]
  const bytes = Buffer.alloc(16)
  for (const [index, group] of groups.entries()) bytes.writeUInt16BE(group, 2 * index)
  return bytes
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function hex(high: string | undefined, low: string | undefined): string {
  return (Number(high) * 256 + Number(low)).toString(16)
}
