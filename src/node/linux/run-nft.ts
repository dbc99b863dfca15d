// Runs the nft program inside a namespace with a script on its standard input: one transaction, or a question.
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Netns } from '../netlink/namespaces.ts';
import { spawnIn } from '../netlink/namespace-sockets.ts';
import { DriverError } from './driver.ts';

/** Answers what nft printed. Rejects with DriverError, which carries the script, when nft is missing or refuses it. */
export const runNft = (driver: string, namespace: Netns, script: string): Promise<string> => runProgram(driver, namespace, ['nft', '-f', '-'], script);

/** The same for any program of one command. */
export async function runProgram(driver: string, namespace: Netns, [program, ...words]: readonly [string, ...string[]], input: string): Promise<string> {
  const child = spawnIn(namespace, program, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  const answer = text(child.stdout!);
  const complaints = text(child.stderr!);
  const closed = once(child, 'close');
  // A program that gave up early closes its input; what it has to say is on standard error.
  child.stdin!.on('error', () => {});
  child.stdin!.end(input);
  const [code] = await closed.catch((error: NodeJS.ErrnoException) => {
    throw new DriverError(driver, error.code === 'ENOENT' ? `${program} is not installed` : `cannot run ${program}: ${error.message}`, input);
  });
  if (code !== 0) throw new DriverError(driver, (await complaints).trim().split('\n')[0] || `${program} failed without a word`, input);
  return answer;
}
