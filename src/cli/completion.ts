import type { Command, Option } from 'commander'
import type { CliContext } from './context.ts'
import { exitCode } from './failure.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** One command of the tree; `path` is empty for the program itself. */
interface Node {
  readonly path: string
  readonly commands: readonly { readonly name: string; readonly text: string }[]
  readonly options: readonly { readonly flag: string; readonly text: string }[]
  /** Words that are no flags: choices of arguments. */
  readonly words: readonly string[]
}

function flagsOf(option: Option): string[] {
  return [option.long, option.short].flatMap((flag) => flag ?? [])
}

function textOf(text: string): string {
  return (text.split(/[:;(]/, 1)[0] as string).trim()
}

function walk(command: Command, path: readonly string[] = []): Node[] {
  const visible = command.commands.filter((one) => !one.name().startsWith('_'))
  const options = [
    ...command.options.flatMap((option) => flagsOf(option).map((flag) => ({ flag, text: textOf(option.description) }))),
    { flag: '--help', text: 'show help' },
  ]
  const node: Node = {
    path: path.join(' '),
    commands: visible.map((one) => ({ name: one.name(), text: textOf(one.description()) })),
    options,
    words: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
  }
  return [node, ...visible.flatMap((one) => walk(one, [...path, one.name()]))]
}

/** Flags whose next word is one of a few; the same everywhere. */
function choicesOf(command: Command): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  for (const option of command.options) if (option.argChoices !== undefined) for (const flag of flagsOf(option)) found.set(flag, option.argChoices)
  for (const one of command.commands) for (const [flag, choices] of choicesOf(one)) found.set(flag, choices)
  return found
}

function wordsOf(node: Node): string {
  return [...node.commands.map((one) => one.name), ...node.words, ...node.options.map((one) => one.flag)].join(' ')
}

/** Bash finds the command by the words before the cursor, then offers what that one takes; files where it takes no commands. */
function bash(nodes: readonly Node[], choices: ReadonlyMap<string, readonly string[]>): string {
  const paths = nodes.filter((node) => node.path !== '').map((node) => `'${node.path}'`)
  return `# bash completion of oxbow: add this line to ~/.bashrc
#   source <(oxbow completion bash)
_oxbow() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" word known
  COMPREPLY=()
  case "$previous" in
${[...choices].map(([flag, words]) => `    ${flag}) COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$current")); return ;;`).join('\n')}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    for known in ${paths.join(' ')}; do
      if [ "$known" = "\${path:+$path }$word" ]; then path="$known"; break; fi
    done
  done
  case "$path" in
${nodes.map((node) => `    '${node.path}') COMPREPLY=($(compgen -W "${wordsOf(node)}" -- "$current")) ;;`).join('\n')}
  esac
}
complete -o default -F _oxbow oxbow
`
}

function zshText(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll(':', '\\:')
}

function zsh(nodes: readonly Node[], choices: ReadonlyMap<string, readonly string[]>): string {
  const paths = nodes.filter((node) => node.path !== '').map((node) => `'${node.path}'`)
  const described = (node: Node): string =>
    [
      ...node.commands.map(({ name, text }) => `'${name}:${zshText(text)}'`),
      ...node.words.map((word) => `'${word}'`),
      ...node.options.map(({ flag, text }) => `'${flag}:${zshText(text)}'`),
    ].join(' ')
  return `#compdef oxbow
# zsh completion of oxbow: add this line to ~/.zshrc, after compinit
#   source <(oxbow completion zsh)
_oxbow() {
  local path_="" word known
  local -a offered
  case "\${words[CURRENT-1]}" in
${[...choices].map(([flag, words]) => `    ${flag}) compadd -- ${words.join(' ')}; return ;;`).join('\n')}
  esac
  for word in "\${(@)words[2,CURRENT-1]}"; do
    for known in ${paths.join(' ')}; do
      if [[ "$known" == "\${path_:+$path_ }$word" ]]; then path_="$known"; break; fi
    done
  done
  case "$path_" in
${nodes.map((node) => `    '${node.path}') offered=(${described(node)}) ;;`).join('\n')}
  esac
  _describe 'oxbow' offered
  _files
}
compdef _oxbow oxbow
`
}

function fishText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
}

function fish(nodes: readonly Node[], choices: ReadonlyMap<string, readonly string[]>): string {
  const lines = nodes.flatMap((node) => {
    const when = `-n '__oxbow_at "${node.path}"'`
    return [
      ...node.commands.map(({ name, text }) => `complete -c oxbow -f ${when} -a ${name} -d '${fishText(text)}'`),
      ...node.words.map((word) => `complete -c oxbow -f ${when} -a ${word}`),
      ...node.options.map(({ flag, text }) => {
        const given = choices.get(flag)
        const values = given === undefined ? '' : ` -x -a '${given.join(' ')}'`
        return `complete -c oxbow ${when} ${flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`} -d '${fishText(text)}'${values}`
      }),
    ]
  })
  const paths = nodes.filter((node) => node.path !== '').map((node) => `'${node.path}'`)
  return `# fish completion of oxbow: oxbow completion fish > ~/.config/fish/completions/oxbow.fish
function __oxbow_at
  set -l path ''
  for word in (commandline -opc)[2..-1]
    set -l longer (string trim -- "$path $word")
    if contains -- "$longer" ${paths.join(' ')}
      set path $longer
    end
  end
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`
}

/** A script for the shell, made from the command tree: what is not in the tree is not offered. */
export function completionScript(program: Command, shell: Shell): string {
  const nodes = walk(program)
  const choices = choicesOf(program)
  switch (shell) {
    case 'bash':
      return bash(nodes, choices)
    case 'zsh':
      return zsh(nodes, choices)
    case 'fish':
      return fish(nodes, choices)
  }
}

export function showCompletion(context: CliContext, program: Command, shell: Shell): number {
  context.stdout.write(completionScript(program, shell))
  return exitCode.done
}
