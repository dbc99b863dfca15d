// Shell completion: the words after `fairlead` and each verb's options, printed as a script for the shell.
import type { Command } from 'commander';
import { CommandError } from './command-error.ts';

interface Verb {
  name: string;
  about: string;
  flags: string[];
}

const verbsOf = (program: Command): Verb[] =>
  program.commands.map((command) => ({
    name: command.name(),
    about: command.description(),
    flags: command.options.flatMap((option) => option.long ?? []),
  }));

const bash = (verbs: readonly Verb[]) => `_fairlead() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" = 1 ]; then COMPREPLY=($(compgen -W "${verbs.map((v) => v.name).join(' ')} help" -- "$word")); return; fi
  case "\${COMP_WORDS[1]}" in
${verbs.map((v) => `    ${v.name}) COMPREPLY=($(compgen -W "${v.flags.join(' ')}" -f -- "$word")) ;;`).join('\n')}
  esac
}
complete -F _fairlead fairlead`;

const zsh = (verbs: readonly Verb[]) => `#compdef fairlead
_fairlead() {
  if (( CURRENT == 2 )); then
    local -a verbs=(${verbs.map((v) => `'${v.name}:${v.about.replaceAll("'", '')}'`).join(' ')})
    _describe 'command' verbs
  else
    case $words[2] in
${verbs.map((v) => `      ${v.name}) compadd -- ${v.flags.join(' ')}; _files ;;`).join('\n')}
    esac
  fi
}
compdef _fairlead fairlead`;

const fish = (verbs: readonly Verb[]) =>
  verbs
    .flatMap((v) => [
      `complete -c fairlead -n __fish_use_subcommand -a ${v.name} -d '${v.about.replaceAll("'", '')}'`,
      ...v.flags.map((flag) => `complete -c fairlead -n '__fish_seen_subcommand_from ${v.name}' -l ${flag.slice(2)}`),
    ])
    .join('\n');

const shells: Readonly<Record<string, (verbs: readonly Verb[]) => string>> = { bash, zsh, fish };

export function printCompletion(program: Command, shell: string): string {
  const print = shells[shell];
  if (!print) throw new CommandError(`no completion for ${JSON.stringify(shell)}; known shells are ${Object.keys(shells).join(', ')}`);
  return print(verbsOf(program));
}
