// A server of this project as a container: it lives in this process, with sockets of the pod's network.
import { namespaceSockets } from '../../netlink/namespace-sockets.ts';
import type { BuiltinContext, BuiltinProgram, ProgramContext, ProgramExit, RunningProgram } from './program.ts';

const contextOf = ({ pod, container, sandbox, nodeName, environment, output }: ProgramContext): BuiltinContext => ({
  pod,
  container,
  sockets: namespaceSockets(sandbox.namespace),
  namespace: sandbox.namespace,
  node: nodeName,
  addresses: sandbox.addresses,
  environment,
  log: (line) => output.write('stdout', `${line}\n`),
});

/** Like any server that fails at its start, one that rejects says why and ends, and its pod goes into back-off. */
export async function startBuiltin(builtin: BuiltinProgram, context: ProgramContext): Promise<RunningProgram> {
  const ended = Promise.withResolvers<ProgramExit>();
  const failed = (error: unknown) => {
    const { message } = error as Error;
    context.output.write('stderr', `${message}\n`);
    ended.resolve({ code: 1, message });
  };
  const server = await builtin(contextOf(context)).catch(failed);
  const close = () => server?.close().then(() => ended.resolve({ code: 0 }), failed);
  const kill = () => {
    ended.resolve({ code: 137, signal: 9 });
    void close();
  };
  return { exited: ended.promise, stop: () => void close(), kill };
}
