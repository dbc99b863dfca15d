// The part of JSONPath that printer columns, selectable fields and the scale subresource use:
// `.spec.ports[0].name`, `['a.b']`, `[*]`, `[-1]`, `[?(@.type=="Ready")].status`.
import { isObject, ownValue } from '../../base/data/json-value.ts';

type Step =
  | { take: 'key'; key: string }
  | { take: 'index'; index: number }
  | { take: 'all' }
  | { take: 'where'; path: readonly Step[]; operator: string; value: unknown };

export type JsonPath = readonly Step[];

const stepShape = /\.?\[\s*'((?:[^'\\]|\\.)*)'\s*\]|\.?\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\.?\[\s*(-?\d+)\s*\]|\.?\[\s*\*\s*\]|\.\*|\.?\[\?\(\s*@((?:\.[\w-]+)+)\s*(==|!=|<=|>=|<|>)\s*('[^']*'|"[^"]*"|[^)\s]+)\s*\)\]|\.((?:[\w-]|\\.)+)/y;

/** undefined when the text is no path we know. A leading `$` and braces are forgiven. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const path = text.trim().replace(/^\{(.*)\}$/s, '$1').replace(/^\$/, '');
  const steps: Step[] = [];
  // A fresh one: a filter holds a path itself.
  const shape = new RegExp(stepShape);
  while (shape.lastIndex < path.length) {
    const found = shape.exec(path);
    if (!found) return undefined;
    steps.push(readStep(found));
  }
  return steps;
}

function readStep([, single, double, index, filterPath, operator, value, key]: RegExpExecArray): Step {
  const name = single ?? double ?? key;
  if (name !== undefined) return { take: 'key', key: name.replace(/\\(.)/g, '$1') };
  if (index !== undefined) return { take: 'index', index: Number(index) };
  if (filterPath === undefined) return { take: 'all' };
  return { take: 'where', path: parseJsonPath(filterPath) ?? [], operator: operator!, value: readLiteral(value!) };
}

function readLiteral(text: string): unknown {
  if (/^['"]/.test(text)) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && !Number.isNaN(Number(text)) ? Number(text) : text;
}

/** Every value the path leads to; [] when something on the way is missing. */
export const valuesAt = (object: unknown, path: JsonPath): unknown[] =>
  path.reduce<unknown[]>((values, step) => values.flatMap((value) => take(value, step)), [object]);

function take(value: unknown, step: Step): unknown[] {
  if (step.take === 'key') {
    const found = isObject(value) ? ownValue(value, step.key) : undefined;
    return found === undefined ? [] : [found];
  }
  if (step.take === 'index') {
    const found: unknown = Array.isArray(value) ? value.at(step.index) : undefined;
    return found === undefined ? [] : [found];
  }
  const items = Array.isArray(value) ? (value as unknown[]) : isObject(value) ? Object.values(value) : [];
  return step.take === 'all' ? items : items.filter((item) => agrees(valuesAt(item, step.path)[0], step.operator, step.value));
}

function agrees(left: unknown, operator: string, right: unknown): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== undefined && left !== right;
  if (typeof left !== typeof right || left === undefined) return false;
  const [a, b] = [left as number, right as number];
  return operator === '<' ? a < b : operator === '>' ? a > b : operator === '<=' ? a <= b : a >= b;
}

/** The object with a value at a path of plain keys; missing objects on the way are made. */
export function withValueAt<T>(object: T, path: JsonPath, value: unknown): T {
  const [step, ...rest] = path;
  if (!step) return value as T;
  if (step.take !== 'key') return object;
  const inner = isObject(object) ? object : {};
  return { ...inner, [step.key]: withValueAt(ownValue(inner, step.key), rest, value) } as T;
}
