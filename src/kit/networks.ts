// Networks of addresses that an operator names, such as 10.1.0.0/16.
import { BlockList, isIP, isIPv6 } from 'node:net'
import { Fault } from './fault.ts'

export type Networks = { has: (address: string) => boolean }

/** Reads them. Faults with `options.bad_network`. */
export function networksOf(texts: string[]): Networks {
  const list = new BlockList()
  for (const text of texts) {
    const [address = '', bits = ''] = text.trim().split('/')
    const max = isIPv6(address) ? 128 : 32
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > max) {
      throw new Fault('options.bad_network', 400, `'${text}' is not a network`, {
        hint: 'Write it as 10.1.0.0/16; several with commas.',
      })
    }
    list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  return { has: (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') }
}
