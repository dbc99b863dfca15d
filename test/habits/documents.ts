// Reads Markdown as far as habits and the runner of documented commands need it: links, headings, fenced blocks.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { home } from './source-tree.ts';

/** Every Markdown file of the project, from the checkout's root. */
export const documents = (): string[] => globSync('{*.md,docs/**/*.md,examples/**/*.md}', { cwd: home }).toSorted();

export const readDocument = (path: string): string => readFileSync(join(home, path), 'utf8');

export interface Block {
  /** The words after the fence: `sh run`. */
  readonly info: string;
  readonly text: string;
  /** Of its first line, for messages. */
  readonly line: number;
}

export function blocksOf(document: string): Block[] {
  return [...document.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map((found) => ({
    info: found[1]!.trim(),
    text: found[2]!,
    line: document.slice(0, found.index).split('\n').length + 1,
  }));
}

const withoutBlocks = (document: string): string => document.replaceAll(/^```.*?^```$/gms, '');

/** Targets of links that stay in the project. */
export const linksOf = (document: string): string[] =>
  [...withoutBlocks(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!).filter((target) => !/^[a-z]+:/.test(target));

/** As Markdown sites make them: lower case, blanks to dashes, other signs dropped. */
export const anchorsOf = (document: string): string[] =>
  [...withoutBlocks(document).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'),
  );
