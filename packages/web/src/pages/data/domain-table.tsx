import { useState } from 'preact/hooks';
import { count } from '../../parts/figures.ts';
import { share } from './share.ts';
import type { SetAnswer } from './wire.ts';

const most = 30;

/** How many questions of each domain were read and are left, by splits. */
export function DomainTable({
  domains,
  splits,
  read,
}: {
  readonly domains: SetAnswer['record']['domains'];
  readonly splits: SetAnswer['splits'];
  readonly read: number;
}) {
  const [isWhole, setIsWhole] = useState(false);
  const kept = splits.train + splits.validation + splits.test;
  return (
    <>
      <div class="wide" tabIndex={0} role="group" aria-label="Domains and splits">
        <table class="domains">
          <thead>
            <tr>
              <th scope="col">Domain</th>
              {['Read', 'Kept', 'Share', 'Train', 'Validation', 'Test'].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {(isWhole ? domains : domains.slice(0, most)).map((each) => (
              <tr key={each.domain}>
                <th scope="row">{each.domain}</th>
                <td class="number">{count(each.read)}</td>
                <td class="number">{count(each.kept)}</td>
                <td class="number">{share(each.kept, each.read)}</td>
                <td class="number">{count(each.splits.train)}</td>
                <td class="number">{count(each.splits.validation)}</td>
                <td class="number">{count(each.splits.test)}</td>
              </tr>
            ))}
          </tbody>
          {domains.length > 1 && (
            <tfoot>
              <tr>
                <th scope="row">All</th>
                <td class="number">{count(read)}</td>
                <td class="number">{count(kept)}</td>
                <td class="number">{share(kept, read)}</td>
                <td class="number">{count(splits.train)}</td>
                <td class="number">{count(splits.validation)}</td>
                <td class="number">{count(splits.test)}</td>
              </tr>
            </tfoot>
          )}
        </table>
      </div>
      {!isWhole && domains.length > most && (
        <button type="button" onClick={() => setIsWhole(true)}>
          Show all {count(domains.length)} domains
        </button>
      )}
    </>
  );
}
