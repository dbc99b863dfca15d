// Looks at nf_tables without changing it: has anybody written since, how many rules each chain holds, is an element there.
// Serves the ruleset driver's self-repair and `fairlead service`. A question costs microseconds and walks no elements.
import type { Element } from '../../nft/ruleset.ts';
import { putElementKey, type SetShape } from '../../netlink/element-codec.ts';
import { beginMessage, closeNest, DUMP, endMessage, MESSAGE_ERROR, type MessageWriter, newWriter, openNest, putText, readAttributes, REQUEST, textOf } from '../../netlink/message.ts';
import type { Netns } from '../../netlink/namespaces.ts';
import { NetlinkError, NetlinkSocket, refusalOf } from '../../netlink/netlink-socket.ts';

/** `ip` and `ip6` are where iptables keeps its tables. */
export type NftFamily = 'inet' | 'ip' | 'ip6';

export interface NftLook {
  /** Grows by one with every transaction in the namespace, whoever makes it. */
  generation(): number;
  /** By chain; chains without rules are absent, and so is everything of a table that does not exist. */
  ruleCounts(table: string, family?: NftFamily): ReadonlyMap<string, number>;
  /** Whether packets meet the table: it has a base chain. False also when there is no such table. */
  isHooked(table: string): boolean;
  /** False also when there is no such set. Of a set of ranges: is the range's first value in any? */
  hasElement(table: string, set: SetShape, element: Element): boolean;
  close(): void;
}

const NETFILTER = 12;
const nftables = (message: number): number => (10 << 8) | message;
const GET_CHAIN = nftables(4);
const GET_RULE = nftables(7);
const GET_ELEMENT = nftables(13);
const GET_GENERATION = nftables(16);
const families: Readonly<Record<NftFamily, number>> = { inet: 1, ip: 2, ip6: 10 };
const GENERATION_ID = 1;
const CHAIN_TABLE = 1;
const CHAIN_HOOK = 4;
const RULE_TABLE = 1;
const RULE_CHAIN = 2;
const LIST_TABLE = 1;
const LIST_SET = 2;
const LIST_ELEMENTS = 3;
/** Of struct nfgenmsg, before the attributes. */
const FAMILY_HEADER_BYTES = 4;

const familyHeader = (family: number): Buffer => Buffer.from([family, 0, 0, 0]);

/** Call close() when done. */
export function openNftLook(namespace: Netns): NftLook {
  const socket = new NetlinkSocket(namespace, NETFILTER);

  function request(type: number, flags: number, fill: (writer: MessageWriter) => void = () => {}, family: NftFamily = 'inet'): MessageWriter {
    const writer = newWriter();
    const mark = beginMessage(writer, { type, flags: REQUEST | flags, sequence: socket.nextSequence() }, familyHeader(families[family]));
    fill(writer);
    endMessage(writer, mark);
    return writer;
  }

  /** The answer's attributes; undefined where the kernel says that there is no such thing. */
  function ask(about: string, writer: MessageWriter): Map<number, Buffer> | undefined {
    socket.send(writer);
    const [answer] = socket.receive()!;
    if (answer?.type !== MESSAGE_ERROR) return readAttributes(answer!.body, FAMILY_HEADER_BYTES);
    const refusal = refusalOf(answer);
    if (refusal && refusal.code !== 'ENOENT') throw new NetlinkError(about, refusal);
    return undefined;
  }

  return {
    generation: () => ask('nft generation', request(GET_GENERATION, 0))!.get(GENERATION_ID)!.readUInt32BE(),
    ruleCounts(table, family = 'inet') {
      const counts = new Map<string, number>();
      const asked = request(GET_RULE, DUMP, (writer) => putText(writer, RULE_TABLE, table), family);
      const refusal = socket.dump(asked, ({ body }) => {
        const attributes = readAttributes(body, FAMILY_HEADER_BYTES);
        // Older kernels do not filter by table.
        if (textOf(attributes.get(RULE_TABLE)!) !== table) return;
        const chain = textOf(attributes.get(RULE_CHAIN)!);
        counts.set(chain, (counts.get(chain) ?? 0) + 1);
      });
      if (refusal && refusal.code !== 'ENOENT') throw new NetlinkError(`nft list table ${family} ${table}`, refusal);
      return counts;
    },
    isHooked(table) {
      let hooked = false;
      const refusal = socket.dump(request(GET_CHAIN, DUMP), ({ body }) => {
        const attributes = readAttributes(body, FAMILY_HEADER_BYTES);
        hooked ||= textOf(attributes.get(CHAIN_TABLE)!) === table && attributes.has(CHAIN_HOOK);
      });
      if (refusal) throw new NetlinkError('nft list chains inet', refusal);
      return hooked;
    },
    hasElement(table, set, element) {
      const asked = request(GET_ELEMENT, 0, (writer) => {
        putText(writer, LIST_TABLE, table);
        putText(writer, LIST_SET, set.name);
        const list = openNest(writer, LIST_ELEMENTS);
        putElementKey(writer, set, element);
        closeNest(writer, list);
      });
      return ask(`nft get element inet ${table} ${set.name}`, asked) !== undefined;
    },
    close: () => socket.close(),
  };
}
