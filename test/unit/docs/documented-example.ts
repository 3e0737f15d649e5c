// The examples of the documentation: each ```ts block of an @example in the sources of the package, or of one of its pages. What it prints
// it says itself, in a comment `// prints …` for each line, in the order in which they are printed.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'node:util';

export interface DocumentedExample {
  /** Where it begins: file and line. */
  readonly name: string;
  readonly code: string;
  readonly prints: readonly string[];
}

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const docComment = /\/\*\*[\s\S]*?\*\//g;
const codeBlock = /^```ts\n([\s\S]*?)^```$/gm;
const promise = /\/\/ prints (.*)$/gm;

/** The examples in a file of the repository, in their order. */
export function examplesOf(file: string): readonly DocumentedExample[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  return file.endsWith('.md')
    ? blocksOf(file, text, 1)
    : [...text.matchAll(docComment)].flatMap(comment => ofComment(file, text, comment));
}

function ofComment(file: string, text: string, { 0: comment, index }: RegExpExecArray): readonly DocumentedExample[] {
  const bare = comment
    .split('\n')
    .map(line => line.replace(/^\s*\* ?/, ''))
    .join('\n');
  const start = bare.indexOf('@example');
  if (start < 0) return [];
  return blocksOf(file, bare.slice(start), lineOf(text, index) + lineOf(bare, start) - 1);
}

function blocksOf(file: string, text: string, firstLine: number): readonly DocumentedExample[] {
  return [...text.matchAll(codeBlock)].map(({ 1: code = '', index }) => ({
    name: `${file}:${firstLine + lineOf(text, index) - 1}`,
    code,
    prints: [...code.matchAll(promise)].map(([, line = '']) => line),
  }));
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** Imports a module and resolves with the lines that it, and what it started, print to stdout until it has run. Warnings and errors go to stderr. */
export async function printedBy(url: string): Promise<readonly string[]> {
  const lines: string[] = [];
  const { log, warn, error } = console;
  console.log = (...args: unknown[]) => void lines.push(...format(...args).split('\n'));
  console.warn = console.error = () => undefined;
  try {
    await import(url);
  } finally {
    Object.assign(console, { log, warn, error });
  }
  return lines;
}
