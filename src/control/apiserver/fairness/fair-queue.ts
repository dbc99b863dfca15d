// Seats for requests, given out in turn to flows (one a user): whoever asks much waits behind its own requests, not the
// others behind it. No clock and no sockets: only who may go on.

export interface FairLimits {
  /** Requests that are answered at once. */
  readonly seats: number;
  /** Of these for one flow, so that a newcomer finds one. */
  readonly seatsPerFlow: number;
  /** Requests of one flow that may wait; the next is refused. */
  readonly queuePerFlow: number;
}

export type Leave = () => void;

export interface FairQueue {
  /** Resolves with what gives the seat back; 'refused' when too many of the flow wait, 'gone' when `stop` came first. */
  enter(flow: string, stop: AbortSignal): Promise<Leave | 'refused' | 'gone'>;
  readonly inFlight: number;
  readonly waiting: number;
}

interface Ticket {
  start(): void;
}

interface Flow {
  running: number;
  queue: Ticket[];
}

export function createFairQueue({ seats, seatsPerFlow, queuePerFlow }: FairLimits): FairQueue {
  const flows = new Map<string, Flow>();
  /** Flows with someone waiting, in the order in which they have their turn. */
  const turns = new Set<string>();
  let inFlight = 0;
  let waiting = 0;

  const flowOf = (name: string): Flow => flowIn(flows, name);
  const hasSeat = (flow: Flow): boolean => inFlight < seats && flow.running < seatsPerFlow;

  function sit(name: string): Leave {
    const flow = flowOf(name);
    flow.running += 1;
    inFlight += 1;
    return once(() => {
      flow.running -= 1;
      inFlight -= 1;
      if (flow.running === 0 && flow.queue.length === 0) flows.delete(name);
      callNext();
    });
  }

  /** One of each flow, then again. */
  function callNext(): void {
    for (const name of turns) {
      const flow = flowOf(name);
      if (!hasSeat(flow)) continue;
      turns.delete(name);
      const ticket = flow.queue.shift();
      if (flow.queue.length > 0) turns.add(name);
      ticket?.start();
      if (inFlight >= seats) return;
    }
  }

  const wait = (name: string, stop: AbortSignal): Promise<Leave | 'gone'> =>
    new Promise((resolve) => {
      const { queue } = flowOf(name);
      const start = () => {
        waiting -= 1;
        resolve(sit(name));
      };
      const leave = () => {
        waiting -= 1;
        if (queue.length === 0) turns.delete(name);
        resolve('gone');
      };
      queue.push(createTicket(queue, stop, { start, leave }));
      turns.add(name);
      waiting += 1;
    });

  return {
    async enter(name, stop) {
      if (stop.aborted) return 'gone';
      const flow = flowOf(name);
      if (flow.queue.length === 0 && hasSeat(flow)) return sit(name);
      return flow.queue.length >= queuePerFlow ? 'refused' : wait(name, stop);
    },
    get inFlight() {
      return inFlight;
    },
    get waiting() {
      return waiting;
    },
  };
}

function flowIn(flows: Map<string, Flow>, name: string): Flow {
  let flow = flows.get(name);
  if (!flow) flows.set(name, (flow = { running: 0, queue: [] }));
  return flow;
}

function once(leave: () => void): Leave {
  let left = false;
  return () => {
    if (!left) leave();
    left = true;
  };
}

/** One of the two is called, once. */
function createTicket(queue: Ticket[], stop: AbortSignal, { start, leave }: { start(): void; leave(): void }): Ticket {
  const onStop = () => {
    queue.splice(queue.indexOf(ticket), 1);
    leave();
  };
  const ticket: Ticket = {
    start() {
      stop.removeEventListener('abort', onStop);
      start();
    },
  };
  stop.addEventListener('abort', onStop, { once: true });
  return ticket;
}
