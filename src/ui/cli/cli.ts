// The command line: every verb with its help. Verbs live in files of their own; this one lists them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, Command } from 'commander';
import { addClusterVerbs } from './cluster-verbs.ts';
import { CommandError } from './command-error.ts';
import { addPartVerbs } from './part-verbs.ts';
import { printCompletion, type Shell, shells } from './completion.ts';
import { examples, type Parts } from './parts.ts';
import { addServer } from './server.ts';

export function createCli(parts: Parts): Command {
  const program = new Command('fairlead')
    .description('The whole Kubernetes network on one machine: objects in, packets out.')
    .showHelpAfterError('(fairlead help lists the commands)')
    .addHelpText('after', examples('fairlead up', 'fairlead kubectl get pods -A', 'fairlead down'))
    .enablePositionalOptions();
  addClusterVerbs(program, parts);
  addServer(program, parts);
  addPartVerbs(program, parts);

  program
    .command('test')
    .description('run all tests in a network namespace of their own (the launcher does it)')
    .argument('[files...]', 'only test files whose path contains one of these')
    .addHelpText('after', examples('./fairlead test', './fairlead test walkthrough'))
    .action(() => {
      throw new CommandError('run ./fairlead test from a checkout: the launcher brings what the tests need');
    });

  program
    .command('version')
    .description('print the version')
    .addHelpText('after', examples('fairlead version'))
    .action(() => console.log(versionOf(parts.home)));

  program
    .command('completion')
    .description('print a script that completes fairlead commands in your shell')
    .addArgument(new Argument('<shell>', 'whose script').choices(shells))
    .addHelpText('after', examples('source <(fairlead completion bash)'))
    .action((shell: Shell) => console.log(printCompletion(program, shell)));

  return program;
}

export const versionOf = (home: string): string => (JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string }).version;
