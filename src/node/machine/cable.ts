// A node's cable into the nodes' link, as its agent feels it: whoever takes the link down cuts the node off, as on real
// machines. Serves the stand-alone cluster, whose agents reach the API inside one process, by no cable at all.
import type { Netns } from '../netlink/namespaces.ts';
import { Rtnetlink } from '../netlink/rtnetlink.ts';

export interface Cable {
  /** Asks the kernel: both ends are up. Costs microseconds. */
  isUp(): boolean;
  close(): void;
}

export function openCable(namespace: Netns, link = 'eth0'): Cable {
  const rtnetlink = new Rtnetlink(namespace);
  let open = true;
  return {
    isUp: () => open && rtnetlink.link(link)?.running === true,
    close() {
      open = false;
      rtnetlink.close();
    },
  };
}
