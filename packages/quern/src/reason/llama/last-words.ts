import type { Readable } from 'node:stream';
import { oneLine } from '../../one-line.ts';

/** As much is kept of what a process said last. */
const keptCharacters = 8192;

/** Reads `stream` to its end; what is returned tells {@link reasonIn} of what came last. */
export function lastWords(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (piece: string) => (text = (text + piece).slice(-keptCharacters)));
  return () => reasonIn(text);
}

/**
 * Why a process ended, from what it wrote: the last line that tells of a failed assertion or an exception, else the last line;
 * one line of at most 200 characters, without control characters and the folders of source files.
 */
export function reasonIn(text: string): string {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const reason =
    lines.findLast((line) => /GGML_ASSERT|GGML_ABORT|what\(\):|FATAL ERROR|Error: /.test(line)) ??
    lines.at(-1) ??
    '';
  return oneLine(reason.replace(/^what\(\):\s*/, '').replace(/^\S*[/\\](?=[^/\\\s]+:\d+: )/, ''));
}
