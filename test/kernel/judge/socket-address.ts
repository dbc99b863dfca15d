// An address and port as the kernel's socket calls want them.
import { addressBytes, addressOf } from '../../../src/base/net/address.ts';
import { AF_INET, AF_INET6 } from '../../../src/node/netlink/ffi.ts';

/** Struct sockaddr_in or sockaddr_in6. */
export function socketAddress(address: string, port: number): Uint8Array {
  const { family } = addressOf(address);
  const bytes = Buffer.alloc(family === 4 ? 16 : 28);
  bytes.writeUInt16LE(family === 4 ? AF_INET : AF_INET6);
  bytes.writeUInt16BE(port, 2);
  bytes.set(addressBytes(addressOf(address)), family === 4 ? 4 : 8);
  return bytes;
}
