// docs/reference/commands.md: every verb of the command line with its arguments and options, from the parser itself.
import type { Argument, Command, Option } from 'commander';
import type { Parts } from '../../src/ui/cli/parts.ts';
import { createCli } from '../../src/ui/cli/cli.ts';
import { code, printPage, printTable } from './markdown.ts';

const about = `\`./fairlead VERB --help\` prints the same with examples. Exit codes: 0 done, 1 not, 2 (of \`why\`) the question was wrong.`;

/** Stands for the folder of the checkout, which is another on every machine. */
const checkout = '<checkout>';

const unused = (): never => {
  throw new Error('the reference starts no cluster');
};

const parts: Parts = {
  home: checkout,
  findObstacles: unused,
  freeNodeRange: unused,
  startCluster: unused,
  startServer: unused,
  sweepCluster: unused,
  lookIntoNode: unused,
  startProxy: unused,
  cleanUpProxy: unused,
  startDns: unused,
  startGateway: unused,
};

export const commandLine = (): Command => createCli(parts);

export const commandsPage = (): string => printPage('Commands', about, ...commandLine().commands.map(printVerb));

function printVerb(verb: Command): string {
  const words = [...verb.registeredArguments.map(argumentWord), ...(verb.options.length > 0 ? ['[options]'] : [])];
  const rows = [...verb.registeredArguments.map(argumentRow), ...verb.options.map(optionRow)];
  const table = rows.length === 0 ? [] : [printTable(['argument or option', 'meaning', 'default'], rows)];
  return [`## ${verb.name()}`, `${code(['fairlead', verb.name(), ...words].join(' '))}: ${verb.description()}.`, ...table].join('\n\n');
}

const argumentWord = (argument: Argument): string => {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
};

const argumentRow = (argument: Argument): string[] => [code(argumentWord(argument)), argument.description, ''];

function optionRow({ flags, description, defaultValue, defaultValueDescription, envVar }: Option): string[] {
  const fallback = defaultValueDescription ?? (typeof defaultValue === 'string' ? code(defaultValue) : '');
  return [code(flags), description, envVar === undefined ? fallback : `${code(`$${envVar}`)}${fallback && `, else ${fallback}`}`];
}
