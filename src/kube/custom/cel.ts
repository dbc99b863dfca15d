// CEL as Kubernetes speaks it: the language, and the libraries that rules may use.
import { compile, type Program } from './cel/compile.ts';
import { createFunctions, type Environment } from './cel/environment.ts';
import { arithmetic } from './cel/library/arithmetic.ts';
import { collections } from './cel/library/collections.ts';
import { conversions } from './cel/library/conversions.ts';
import { network } from './cel/library/network.ts';
import { quantity } from './cel/library/quantity.ts';
import { text } from './cel/library/text.ts';
import { time } from './cel/library/time.ts';
import type { CelType } from './cel/types.ts';

export type { Program } from './cel/compile.ts';

const functions = createFunctions(arithmetic, conversions, time, text, collections, network, quantity);

const typeNames = new Set(['int', 'uint', 'double', 'string', 'bool', 'bytes', 'list', 'map', 'null_type', 'type', 'google.protobuf.Timestamp', 'google.protobuf.Duration', 'optional_type', 'net.IP', 'net.CIDR', 'kubernetes.URL', 'kubernetes.Quantity', 'kubernetes.NamedFormat']);

export const environmentWith = (variables: ReadonlyMap<string, CelType>, more: Partial<Environment> = {}): Environment => ({ functions, typeNames, variables, ...more });

/** Throws CompileError. */
export const compileExpression = (source: string, variables: ReadonlyMap<string, CelType>): Program => compile(source, environmentWith(variables));
