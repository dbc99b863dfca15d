// Shell completion: the words after `fairlead` and each verb's options, printed as a script for the shell.
import type { Command } from 'commander';

interface Verb {
  name: string;
  about: string;
  flags: string[];
  /** What an argument may be, where that is a closed list. */
  choices: string[];
}

const verbsOf = (program: Command): Verb[] =>
  program.commands.map((command) => ({
    name: command.name(),
    about: command.description(),
    flags: command.options.flatMap((option) => option.long ?? []),
    choices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
  }));

const bash = (verbs: readonly Verb[]) => `_fairlead() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" = 1 ]; then COMPREPLY=($(compgen -W "${verbs.map((v) => v.name).join(' ')} help" -- "$word")); return; fi
  case "\${COMP_WORDS[1]}" in
${verbs.map((v) => `    ${v.name}) COMPREPLY=($(compgen -W "${[...v.choices, ...v.flags].join(' ')}" -f -- "$word")) ;;`).join('\n')}
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
${verbs.map((v) => `      ${v.name}) compadd -- ${[...v.choices, ...v.flags].join(' ')}; _files ;;`).join('\n')}
    esac
  fi
}
compdef _fairlead fairlead`;

const fish = (verbs: readonly Verb[]) =>
  verbs
    .flatMap((v) => [
      `complete -c fairlead -n __fish_use_subcommand -a ${v.name} -d '${v.about.replaceAll("'", '')}'`,
      ...v.choices.map((choice) => `complete -c fairlead -n '__fish_seen_subcommand_from ${v.name}' -a ${choice}`),
      ...v.flags.map((flag) => `complete -c fairlead -n '__fish_seen_subcommand_from ${v.name}' -l ${flag.slice(2)}`),
    ])
    .join('\n');

const printers = { bash, zsh, fish } as const;

export type Shell = keyof typeof printers;
export const shells = Object.keys(printers) as Shell[];

export const printCompletion = (program: Command, shell: Shell): string => printers[shell](verbsOf(program));
