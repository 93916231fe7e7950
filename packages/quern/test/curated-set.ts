import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { curate } from '../src/curate/curate.ts';
import type { CurateOptions } from '../src/curate/curate-options.ts';
import { Warnings } from '../src/warnings.ts';
import { answerRow, questionRow, variedBody, writeDumpFile } from './dump-file.ts';

/** Curates a set in `out` from a dump of our own writing in `folder`: a site of kettles and one of hostile questions. */
export async function curatedSet(
  folder: string,
  out: string,
  { questions = 60, ...options }: Partial<CurateOptions> & { readonly questions?: number } = {},
): Promise<void> {
  const kettles = join(folder, 'kettles.stackexchange.com');
  const odd = join(folder, 'odd.stackexchange.com');
  const good = Array.from({ length: questions }, (_, i) => i + 100);
  writeDumpFile(kettles, 'Posts', [
    ...good.map((id) => questionRow(id, `Why does kettle ${id} sing?`, variedBody(id))),
    questionRow(1, 'With an image', `${variedBody(1)}<p><img src="https://i.example.org/a.png"></p>`),
    questionRow(2, 'Also with an image', `${variedBody(2)}<p><img src="https://i.example.org/b.png"></p>`),
    questionRow(3, 'Voted down', variedBody(3), { Score: -2 }),
    questionRow(4, 'No answer', variedBody(4)),
    ...good.map((id) =>
      answerRow(10_000 + id, id, `<p>Kettle ${id} sings because of bubbles that collapse.</p>`),
    ),
    ...good.map((id) =>
      answerRow(20_000 + id, id, `<p>Descale it: number ${id} will be quiet for some weeks.</p>`, {
        Score: 30,
      }),
    ),
    ...[1, 2, 3].map((id) => answerRow(10_000 + id, id, '<p>An answer that is long enough to count.</p>')),
  ]);
  writeDumpFile(odd, 'Posts', [
    questionRow(
      1,
      '<img src=x onerror=alert(1)> & "quotes"',
      '<p>What does this code do, and why is it <b>never</b> run here?</p><pre><code>if (a &lt; b) {\n    alert("&lt;script&gt;");\n}</code></pre><p>That was all of it.</p>',
    ),
    answerRow(101, 1, '<p>Nothing: it is text. Compare:</p><pre><code>let a = 1;\nlet b = 2;</code></pre>'),
    questionRow(2, 'A long one', `<p>${'A question with so many words that it is cut. '.repeat(250)}</p>`),
    answerRow(102, 2, '<p>Ask a shorter one, which more people will read to its end.</p>'),
  ]);
  mkdirSync(dirname(out), { recursive: true });
  await curate([kettles, odd], {
    out,
    sites: ['kettles.stackexchange.com', 'odd.stackexchange.com'],
    // All BRIGHT that a machine may have is left aside: sets of tests are the same everywhere.
    data: join(folder, 'no-data'),
    warnings: new Warnings(),
    ...options,
  });
}
