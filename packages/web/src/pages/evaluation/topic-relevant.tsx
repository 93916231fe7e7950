import { useMemo } from 'preact/hooks';
import { count } from '../../parts/figures.ts';
import { Name } from './names.tsx';
import { relevantDocuments } from './ranking-moves.ts';
import type { TopicAnswer } from './saved.ts';
import { mostRanks } from './topic-ranks.ts';

/** A topic's relevant documents, with their ranks in both runs. */
export function Relevant({
  a,
  b,
  isPair,
}: {
  readonly a: TopicAnswer | undefined;
  readonly b: TopicAnswer | undefined;
  readonly isPair: boolean;
}) {
  const documents = useMemo(() => relevantDocuments(a ?? { relevant: [] }, b ?? { relevant: [] }), [a, b]);
  const shown = documents.slice(0, mostRanks);
  return (
    <section aria-label="Relevant documents">
      <h3>
        {documents.length === 1 ? '1 relevant document' : `${count(documents.length)} relevant documents`}
      </h3>
      {documents.length === 0 ? (
        <p class="note">No document was judged relevant, so that every ranking measures 0.</p>
      ) : (
        <div class="wide relevant" role="region" aria-label="Ranks of the relevant documents" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Document</th>
                <th scope="col" class="number">
                  Level
                </th>
                <th scope="col" class="number">
                  Rank in A
                </th>
                {isPair && (
                  <>
                    <th scope="col" class="number">
                      Rank in B
                    </th>
                    <th scope="col">Moved</th>
                  </>
                )}
              </tr>
            </thead>
            <tbody>
              {shown.map((document) => (
                <tr key={document.id}>
                  <th scope="row">
                    <Name>{document.id}</Name>
                  </th>
                  <td class="number">{document.level}</td>
                  <td class="number">{document.a === undefined ? '–' : count(document.a)}</td>
                  {isPair && (
                    <>
                      <td class="number">{document.b === undefined ? '–' : count(document.b)}</td>
                      <td class={`move move-${document.side}`}>{a && b ? document.words : ''}</td>
                    </>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {documents.length > shown.length && (
        <p class="note">And {count(documents.length - shown.length)} more.</p>
      )}
    </section>
  );
}
