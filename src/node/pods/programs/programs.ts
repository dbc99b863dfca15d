// Which program a container gets, and the rooms that commands in it run in:
//   1. an image named `fairlead/…` without a command  → the built-in server of that name, in this process
//   2. an image that the configuration maps           → the mapped program, in the mapped folder as its root
//   3. a command that exists on this machine          → that command, with the machine's own root beneath it; arguments
//                                                       without a command are one, as in images without an entry point
//   4. everything else                                → the echo stand-in
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Container, Pod } from '../../../kube/objects/core.ts';
import { podId } from '../pod-state.ts';
import { expandVariables } from '../surroundings/environment.ts';
import { startBuiltin } from './builtin.ts';
import { type BuiltinPrograms, CannotStart, type ProgramContext, type ProgramExit, type RunningProgram, type StartProgram } from './program.ts';
import { ended, openRoom, type Room } from './room.ts';
import { checkVolumes, defaultPath, type PlannedRoom, planRoom, type RoomSource } from './room-plan.ts';
import { Terminal, withTerminal } from './terminal.ts';

/** What an image is on this machine. */
export interface ImagePlace {
  /** A folder that is the container's root; absent: the machine's own. */
  root?: string;
  /** Entry point, where the container gives none. */
  command?: readonly string[];
}

export interface ProgramsOptions extends RoomSource {
  startEcho: StartProgram;
  builtins: BuiltinPrograms;
  /** By image name without registry and tag, or exactly as written. */
  images: ReadonlyMap<string, ImagePlace>;
}

/** `docker.io/library/nginx:1.27@sha256:…` → `nginx`. */
export function imageName(image: string): string {
  const plain = image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
  const [first, ...rest] = plain.split('/');
  const isRegistry = rest.length > 0 && /[.:]|^localhost$/.test(first!);
  return (isRegistry ? rest.join('/') : plain).replace(/^library\//, '');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Absent or not for running: both mean that it is not the program we look for.
    return false;
  }
}

export const commandExists = (command: string, root = '/'): boolean =>
  command.includes('/') ? isExecutable(join(root, command)) : defaultPath.split(':').some((folder) => isExecutable(join(root, folder, command)));

/** Of the container's own command; empty for stand-ins and built-in servers. */
export interface Console {
  readonly room?: Room;
  readonly terminal?: Terminal;
}

interface Inhabited {
  context: ProgramContext;
  root: string;
  plan?: Promise<PlannedRoom>;
  room?: Room;
  terminal?: Terminal;
  /** Held open for commands in a container that has no process of its own. */
  spare?: Promise<Room>;
}

export class Programs {
  readonly #options: ProgramsOptions;
  readonly #inhabited = new Map<string, Inhabited>();

  constructor(options: ProgramsOptions) {
    this.#options = options;
  }

  readonly start: StartProgram = async (context) => {
    checkVolumes(this.#options, context);
    const { container, environment } = context;
    const image = container.image ?? '';
    const place = this.#options.images.get(image) ?? this.#options.images.get(imageName(image));
    const entry: Inhabited = { context, root: place?.root ?? '/' };
    this.#remember(entry);
    const builtin = container.command ? undefined : this.#options.builtins.get(imageName(image));
    if (builtin) return startBuiltin(builtin, context);
    const command = commandOf(container, place, environment);
    if (command && commandExists(command[0]!, entry.root)) return this.#startProcess(entry, command);
    refuseStandIn(image, place, command);
    return this.#options.startEcho(context);
  };

  /** The room for a command in the container, and what it is born with. */
  async enter(pod: Pod, container: string): Promise<{ room: Room; environment: ReadonlyMap<string, string> }> {
    const entry = this.#inhabited.get(keyOf(pod, container));
    if (!entry) throw new Error(`container ${container} has never run`);
    const plan = await this.#planOf(entry);
    if (entry.room) return { room: entry.room, environment: plan.environment };
    entry.spare ??= openRoom({ ...plan, command: ['sleep', '2147483647'], stdin: false });
    entry.spare.catch(() => delete entry.spare);
    return { room: await entry.spare, environment: plan.environment };
  }

  /** Standard input and terminal of the container's own command, for `kubectl attach`. */
  console(pod: Pod, container: string): Console {
    return this.#inhabited.get(keyOf(pod, container)) ?? {};
  }

  /** True where commands in the container are commands of a program that is not there. */
  isStandIn(pod: Pod, container: string): boolean {
    return this.#inhabited.get(keyOf(pod, container))?.room === undefined;
  }

  async forget(pod: Pod): Promise<void> {
    for (const [key, entry] of this.#inhabited) {
      if (!key.startsWith(`${podId(pod)}/`)) continue;
      this.#inhabited.delete(key);
      await closeSpare(entry);
    }
  }

  #remember(entry: Inhabited): void {
    const key = keyOf(entry.context.pod, entry.context.container.name);
    const before = this.#inhabited.get(key);
    if (before) void closeSpare(before);
    this.#inhabited.set(key, entry);
  }

  /** Once a run: its files are mounted, and a second plan would write them anew. */
  #planOf(entry: Inhabited): Promise<PlannedRoom> {
    entry.plan ??= planRoom(this.#options, entry.context, entry.root);
    return entry.plan;
  }

  async #startProcess(entry: Inhabited, command: readonly string[]): Promise<RunningProgram> {
    const { output } = entry.context;
    const room = await this.#openOwnRoom(entry, await this.#planOf(entry), command);
    (entry.terminal?.output ?? room.stdout)?.on('data', (chunk: Buffer) => output.write('stdout', chunk));
    room.stderr?.on('data', (chunk: Buffer) => output.write('stderr', chunk));
    const exited = drained(room).finally(() => entry.terminal?.close());
    return { exited, stop: () => room.terminate(), kill: () => room.kill() };
  }

  async #openOwnRoom(entry: Inhabited, plan: PlannedRoom, command: readonly string[]): Promise<Room> {
    const { container } = entry.context;
    const terminal = container.tty ? new Terminal() : undefined;
    try {
      const asked = terminal ? withTerminal(command) : command;
      entry.room = await openRoom({ ...plan, command: asked, stdin: container.stdin === true, terminal: terminal?.farEnds });
      entry.terminal = terminal;
      return entry.room;
    } catch (error) {
      terminal?.close();
      throw new CannotStart('RunContainerError', (error as Error).message);
    } finally {
      terminal?.handedOver();
    }
  }
}

/** Where somebody said what to run, running something else would be a lie. */
function refuseStandIn(image: string, place: ImagePlace | undefined, command: readonly string[] | undefined): void {
  if (place) {
    const message = `exec: ${JSON.stringify(command?.[0] ?? '')}: executable file not found in ${place.root ?? '$PATH'}`;
    throw new CannotStart('RunContainerError', message);
  }
  if (!imageName(image).startsWith('fairlead/')) return;
  throw new CannotStart('ErrImagePull', `there is no built-in program of the name ${imageName(image)}`);
}

const keyOf = (pod: Pod, container: string) => `${podId(pod)}/${container}`;

async function closeSpare({ spare }: Inhabited): Promise<void> {
  const room = await spare?.catch(() => undefined);
  room?.kill();
  await room?.exited;
}

/** What was printed last is in the pipe when the process is gone already. */
async function drained(room: Room): Promise<ProgramExit> {
  const [exit] = await Promise.all([room.exited, ended(room.stdout), ended(room.stderr)]);
  return exit;
}

function commandOf(container: Container, place: ImagePlace | undefined, environment: ReadonlyMap<string, string>): string[] | undefined {
  const words = [...(container.command ?? place?.command ?? []), ...(container.args ?? [])];
  return words.length === 0 ? undefined : words.map((word) => expandVariables(word, environment));
}
