import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isZone, lastDue, nextDue, parseSchedule } from './cron-schedule.ts';

const next: [schedule: string, after: string, due: string | undefined, zone?: string][] = [
  ['* * * * *', '2024-05-01T12:00:30Z', '2024-05-01T12:01:00Z'],
  ['*/15 * * * *', '2024-05-01T12:00:00Z', '2024-05-01T12:15:00Z'],
  ['0 9-17/4 * * mon-fri', '2024-05-03T18:00:00Z', '2024-05-06T09:00:00Z'],
  ['@monthly', '2024-05-01T12:00:00Z', '2024-06-01T00:00:00Z'],
  ['30 4 1,15 * 5', '2024-05-02T00:00:00Z', '2024-05-03T04:30:00Z'],
  ['0 0 29 2 *', '2024-03-01T00:00:00Z', '2028-02-29T00:00:00Z'],
  ['0 0 30 2 *', '2024-03-01T00:00:00Z', undefined],
  ['0 12 * * 7', '2024-05-01T00:00:00Z', '2024-05-05T12:00:00Z'],
  ['0 9 * * *', '2024-05-01T12:00:00Z', '2024-05-02T00:00:00Z', 'Asia/Tokyo'],
  ['15 9 * * *', '2024-05-01T12:00:00Z', '2024-05-02T03:45:00Z', 'Asia/Kolkata'],
  ['30 2 * * *', '2024-03-30T12:00:00Z', '2024-04-01T00:30:00Z', 'Europe/Berlin'],
];
for (const [schedule, after, due, zone] of next) {
  test(`${schedule}${zone ? ` in ${zone}` : ''} after ${after} is due at ${due ?? 'no time'}`, () => {
    const found = nextDue(parseSchedule(schedule)!, Date.parse(after), zone);
    assert.equal(found, due && Date.parse(due));
  });
}

test('the last due minute lies after the one served and not after now', () => {
  const schedule = parseSchedule('0 * * * *')!;
  const at = (time: string) => Date.parse(`2024-05-01T${time}:00Z`);
  assert.equal(lastDue(schedule, at('09:00'), at('12:30')), at('12:00'));
  assert.equal(lastDue(schedule, at('12:00'), at('12:30')), undefined);
  assert.equal(lastDue(schedule, at('11:59'), at('12:00')), at('12:00'));
});

for (const text of ['', '* * * *', '60 * * * *', '* 24 * * *', '5-1 * * * *', '*/0 * * * *', 'x * * * *', '@sometimes', '* * * * * *']) {
  test(`"${text}" is no schedule`, () => assert.equal(parseSchedule(text), undefined));
}

test('a zone is known or not', () => assert.deepEqual([isZone('Europe/Berlin'), isZone('Mars/Olympus')], [true, false]));
