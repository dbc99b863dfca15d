import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../../../base/run/clock.ts';
import type { Container } from '../../../kube/objects/core.ts';
import { startProbes } from './probes.ts';

/** Runs the probes of a container; each is answered by what `health` says about its command's first word. */
function probed(container: Partial<Container>) {
  const clock = createManualClock();
  const start = clock.now().getTime();
  const health = new Map<string, boolean>();
  const heard: string[] = [];
  const note = (what: string) => heard.push(`${(clock.now().getTime() - start) / 1000}s ${what}`);
  const stop = startProbes({
    container: { name: 'main', ...container },
    clock,
    check: async (probe) => ({ passed: health.get(probe.exec!.command![0]!) ?? true, output: 'no' }),
    report: {
      started: () => note('started'),
      ready: (isReady) => note(isReady ? 'ready' : 'unready'),
      gaveUp: (kind) => note(`${kind} gave up`),
      failed: (kind) => note(`${kind} failed`),
    },
  });
  return { clock, health, heard, stop };
}
const probe = (word: string, timing = {}) => ({ exec: { command: [word] }, periodSeconds: 1, failureThreshold: 2, ...timing });

test('without probes a container is started and ready at once', () => assert.deepEqual(probed({}).heard, ['0s started', '0s ready']));

test('readiness waits for its initial delay and turns after its thresholds', async () => {
  const { clock, health, heard, stop } = probed({ readinessProbe: probe('r', { initialDelaySeconds: 3, successThreshold: 2 }) });
  await clock.advance(4_500);
  assert.deepEqual(heard, ['0s started', '4s ready']);
  health.set('r', false);
  await clock.advance(2_000);
  assert.deepEqual(heard.slice(2), ['5s readiness failed', '6s readiness failed', '6s unready']);
  stop();
  await clock.advance(60_000);
  assert.equal(heard.length, 5);
  assert.equal(clock.pending(), 0);
});

test('liveness gives up after its threshold of failures in a row, and then asks no more', async () => {
  const { clock, health, heard } = probed({ livenessProbe: probe('l') });
  health.set('l', false);
  await clock.advance(500);
  health.set('l', true);
  await clock.advance(1_000);
  health.set('l', false);
  await clock.advance(10_000);
  assert.deepEqual(heard, ['0s started', '0s ready', '0s liveness failed', '2s liveness failed', '3s liveness failed', '3s liveness gave up']);
});

test('a startup probe holds the others back until it has passed', async () => {
  const { clock, health, heard } = probed({ startupProbe: probe('s', { failureThreshold: 30 }), readinessProbe: probe('r') });
  health.set('s', false);
  await clock.advance(1_500);
  assert.deepEqual(heard, ['0s startup failed', '1s startup failed']);
  health.set('s', true);
  await clock.advance(1_000);
  assert.deepEqual(heard.slice(2), ['2s started', '2s ready']);
});
