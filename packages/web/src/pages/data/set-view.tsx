import { CopyButton } from '../../parts/copy-button.tsx';
import { bytes, count } from '../../parts/figures.ts';
import { DomainTable } from './domain-table.tsx';
import { Funnel } from './funnel.tsx';
import { Histograms } from './histograms.tsx';
import { guardWords } from './guard-words.ts';
import { licenceWords } from './licence-words.ts';
import { Questions } from './questions.tsx';
import { share } from './share.ts';
import type { SetAnswer } from './wire.ts';

/** All of a set. */
export function SetView({ set, params }: { readonly set: SetAnswer; readonly params: URLSearchParams }) {
  const { record, splits } = set;
  const guard = guardWords(record);
  return (
    <>
      <dl class="facts">
        <Fact
          name="Questions"
          value={count(set.questions)}
          of={`${share(set.questions, set.read)} of ${count(set.read)} read`}
        />
        <Fact
          name="Positives"
          value={count(set.positives)}
          of={`${(set.positives / Math.max(1, set.questions)).toFixed(1)} a question`}
        />
        <Fact name="Train" value={count(splits.train)} of={share(splits.train, set.questions)} />
        <Fact
          name="Validation"
          value={count(splits.validation)}
          of={share(splits.validation, set.questions)}
        />
        <Fact name="Test" value={count(splits.test)} of={share(splits.test, set.questions)} />
        <Fact
          name="Written"
          value={new Date(set.written).toLocaleDateString('en', { dateStyle: 'medium' })}
          of={`${set.domainCount === 1 ? 'one domain' : `${count(set.domainCount)} domains`}`}
        />
      </dl>

      <section aria-labelledby="funnel">
        <h2 id="funnel">From what was read to what is left</h2>
        <Funnel stages={record.stages} />
      </section>

      <section aria-labelledby="guard" class={`guard ${guard.isGood ? 'held' : 'loose'}`}>
        <h2 id="guard">Against leaks from benchmarks</h2>
        {guard.sentences.map((each) => (
          <p key={each}>{each}</p>
        ))}
      </section>

      <section aria-labelledby="questions">
        <h2 id="questions">Questions</h2>
        <Questions set={set} params={params} />
      </section>

      <section aria-labelledby="domains">
        <h2 id="domains">Domains and splits</h2>
        <DomainTable domains={record.domains} splits={splits} read={set.read} />
      </section>

      <section aria-labelledby="lengths">
        <h2 id="lengths">Lengths and scores</h2>
        {record.histograms === undefined ? (
          <p class="note">
            This set was made by an earlier version, which did not record them. Its report.html shows them.
          </p>
        ) : (
          <Histograms of={record.histograms} sources={record.sources} />
        )}
      </section>

      <section aria-labelledby="made">
        <h2 id="made">How it was made</h2>
        <div class="command">
          <pre tabIndex={0} aria-label="Command">
            {set.command}
          </pre>
          <CopyButton label="Copy" text={() => set.command} />
        </div>
        <p class="note">
          Made of what the record says: folders are shown by their names, servers without their addresses, and
          options that have their defaults are left out.
        </p>
        <details>
          <summary>All options</summary>
          <div class="wide" tabIndex={0} role="group" aria-label="Options">
            <table>
              <thead>
                <tr>
                  <th scope="col">Option</th>
                  <th scope="col">Value</th>
                </tr>
              </thead>
              <tbody>
                {Object.entries(record.options).map(([name, value]) => (
                  <tr key={name}>
                    <th scope="row">
                      <code>{name}</code>
                    </th>
                    <td class="value">{valueWords(value)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
        <h3>{record.sources.length === 1 ? 'Source' : 'Sources'}</h3>
        <div class="wide" tabIndex={0} role="group" aria-label="Sources">
          <table>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Kind</th>
                <th scope="col">Site</th>
                <th scope="col" class="number">
                  Size
                </th>
                <th scope="col">SHA-256</th>
              </tr>
            </thead>
            <tbody>
              {record.sources.slice(0, mostSources).map((source, i) => (
                <tr key={i}>
                  <th scope="row">{source.title}</th>
                  <td>{source.kind}</td>
                  <td>{source.site ?? '–'}</td>
                  <td class="number">{source.bytes === null ? '–' : bytes(source.bytes)}</td>
                  <td>{source.sha256 === null ? '–' : <code>{source.sha256.slice(0, 12)}…</code>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {record.sources.length > mostSources && (
          <p class="note">And {count(record.sources.length - mostSources)} more.</p>
        )}
      </section>

      <section aria-labelledby="licence">
        <h2 id="licence">Licence and authors</h2>
        {licenceWords(record).map((each) => (
          <p key={each}>{each}</p>
        ))}
      </section>
    </>
  );
}

const mostSources = 100;

function Fact({ name, value, of }: { readonly name: string; readonly value: string; readonly of: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong> <span>{of}</span>
      </dd>
    </div>
  );
}

function valueWords(value: SetAnswer['record']['options'][string]): string {
  if (value === null) return 'none';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}
