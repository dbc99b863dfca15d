import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../base/data/freeze.ts';
import { ApiError } from './api-error.ts';
import { parseLabelSelector } from './label-selector-text.ts';
import { matchesSelector, printSelector, type Selector } from './label-selector.ts';
import { validateSelector } from './rules/validate-selector.ts';

const web = deepFreeze({ app: 'web', tier: 'front', weight: '7' });

const matches: [text: string, expected: boolean][] = [
  ['', true],
  ['app=web', true],
  ['app==web', true],
  ['app=db', false],
  ['app!=db', true],
  ['zone!=a', true],
  ['app in (web,db)', true],
  ['app notin (web)', false],
  ['zone notin (a)', true],
  ['tier', true],
  ['!tier', false],
  ['!zone', true],
  ['app=web,tier=back', false],
  ['app=web,app=db', false],
  ['weight>6', true],
  ['weight<7', false],
  ['in=notin', false],
  ['  app  =  web , tier ', true],
  ['zone in (,a)', false],
  ['!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name', true],
];
for (const [text, expected] of matches) {
  test(`SVC-27: selector "${text}" ${expected ? 'matches' : 'does not match'} the web pod`, () =>
    assert.equal(matchesSelector(deepFreeze(parseLabelSelector(text)), web), expected));
}

test('an absent selector matches nothing, an empty one everything', () => {
  assert.equal(matchesSelector(undefined, web), false);
  assert.equal(matchesSelector({}, undefined), true);
  assert.equal(matchesSelector({ matchLabels: { app: 'web' } }, undefined), false);
});

const refused: [text: string, message: RegExp | string][] = [
  ['(', "found '(', expected: !, identifier, or 'end of string'"],
  ['a=b,', "found '', expected: identifier after ','"],
  ['!(', "unable to parse requirement: found '(', expected: identifier"],
  ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ['a in b', "unable to parse requirement: found 'b' expected: '('"],
  ['a in (=', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
  ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['a in (b,', "unable to parse requirement: found '', expected: ',', or identifier"],
  ['a in ()', /for 'in', 'notin' operators, values set can't be empty$/],
  ['a=(', "unable to parse requirement: found '(', expected: identifier"],
  ['a=b c', "found 'c', expected: ',' or 'end of string'"],
  ['a>x', /for 'Gt', 'Lt' operators, the value must be an integer$/],
  ['a/b/c=d', /^unable to parse requirement: <nil>: Invalid value: "a\/b\/c": a qualified name must consist/],
  ['a=-', /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-": a valid label must be an empty string or consist/],
];
for (const [text, message] of refused) {
  test(`selector "${text}" is refused`, () =>
    assert.throws(
      () => parseLabelSelector(text),
      (error) => {
        assert.ok(error instanceof ApiError && error.code === 400);
        if (typeof message === 'string') assert.equal(error.message, message);
        else assert.match(error.message, message);
        return true;
      },
    ));
}

const printed: [selector: Selector | undefined, text: string][] = [
  [undefined, ''],
  [{}, ''],
  [{ matchLabels: { b: '2', a: '1' } }, 'a=1,b=2'],
  [parseLabelSelector('z notin (b,a),!y,x in (q),w,v>3,u<4'), 'u<4,v>3,w,x in (q),!y,z notin (a,b)'],
];
for (const [selector, text] of printed) test(`a selector prints as "${text}"`, () => assert.equal(printSelector(selector), text));

const invalidSelectors: [selector: object, errors: string[]][] = [
  [{ matchExpressions: [{ key: 'a', operator: 'In' }] }, ["s.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"]],
  [{ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] }, ["s.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"]],
  [{ matchExpressions: [{ key: 'a', operator: 'Near' }] }, ['s.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator']],
  [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['b', 'b b'] }] }, [`s.matchExpressions[0].values[1]: Invalid value: "b b": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`]],
  [{ matchLabels: { a: 'b' }, matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['c'] }] }, []],
];
for (const [selector, errors] of invalidSelectors) {
  test(`NP-49: ${JSON.stringify(selector)} has ${errors.length} errors`, () =>
    assert.deepEqual(validateSelector(deepFreeze(selector), 's').map(({ field, message }) => `${field}: ${message}`), errors));
}
