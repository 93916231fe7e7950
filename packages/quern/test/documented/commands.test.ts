import { expect, it } from 'vitest';
import { commandsIn, partsOf, programsOf, wordsOf } from './commands.ts';
import { documentOf } from './documents.ts';

const shell = (text: string, language = 'sh') => commandsIn({ language, text, line: 10 });

it('finds the blocks of a document with their places, those within lists among them', () => {
  const markdown = '# A\n\n```sh\nls\n```\n\n## B `x --y`\n\n- c\n\n  ```yaml\n  d:\n    e: 1\n  ```\n';
  expect(documentOf('a.md', markdown)).toEqual({
    path: 'a.md',
    blocks: [
      { language: 'sh', text: 'ls', line: 4, section: 'A' },
      { language: 'yaml', text: 'd:\n  e: 1', line: 12, section: 'B `x --y`' },
    ],
    inline: [{ text: 'x --y', line: 7 }],
  });
  expect(() => documentOf('a.md', 'x\n```sh\nls\n')).toThrow('a.md:2: nothing closes this block');
});

it('takes a block apart into commands, without comments', () => {
  expect(shell('# first\nls -l   # all\n\necho "a # b" \'#c\' d#e')).toEqual([
    { text: 'ls -l', line: 11 },
    { text: 'echo "a # b" \'#c\' d#e', line: 13 },
  ]);
});

it('holds together what continues: lines that end in a backslash, quotes, and here-documents', () => {
  expect(shell('curl a \\\n  -d 1\nls').map(({ text }) => text)).toEqual(['curl a \\\n  -d 1', 'ls']);
  expect(shell('echo "a \\\nb\nc"\nls').map(({ text }) => text)).toEqual(['echo "a \\\nb\nc"', 'ls']);
  const document = "cat > a <<'END'\n# no comment\nb \"\nEND";
  expect(shell(`${document}\nls`).map(({ text }) => text)).toEqual([document, 'ls']);
  expect(() => shell('ls\necho "a')).toThrow('line 11: the block ends within this command');
});

it('takes of a console what is typed', () => {
  expect(shell('$ ls -l\na\nb\n$ pwd', 'console')).toEqual([
    { text: 'ls -l', line: 10 },
    { text: 'pwd', line: 13 },
  ]);
});

it('tells the programs that a command starts, and its words', () => {
  expect(programsOf('A=1 B="2 3" npm install x && echo "a && b" > c')).toEqual(['npm', 'echo']);
  expect(programsOf('export A=$(ls | wc -l)')).toEqual(['export']);
  expect(partsOf('a; b || c | d')).toEqual(['a', 'b', 'c', 'd']);
  expect(wordsOf("A=1 quern search x.index \"why 'so'\" --a 'b c' > out")).toEqual([
    'quern',
    'search',
    'x.index',
    "why 'so'",
    '--a',
    'b c',
  ]);
});
