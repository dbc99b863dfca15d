// Runs the nft program inside a namespace with a script on its standard input: one transaction, or a question.
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Netns } from '../netlink/namespaces.ts';
import { spawnIn } from '../netlink/namespace-sockets.ts';
import { DriverError } from './driver.ts';

/** Answers what nft printed. Rejects with DriverError, which carries the script, when nft is missing or refuses it. */
export async function runNft(driver: string, namespace: Netns, script: string): Promise<string> {
  const child = spawnIn(namespace, 'nft', ['-f', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const answer = text(child.stdout!);
  const complaints = text(child.stderr!);
  const closed = once(child, 'close');
  // An nft that gave up early closes its input; what it has to say is on standard error.
  child.stdin!.on('error', () => {});
  child.stdin!.end(script);
  const [code] = await closed.catch((error: Error) => {
    throw new DriverError(driver, `cannot run nft: ${error.message}`, script);
  });
  if (code !== 0) throw new DriverError(driver, firstLine(await complaints), script);
  return answer;
}

const firstLine = (complaint: string): string => complaint.trim().split('\n')[0] ?? 'nft failed without a word';
