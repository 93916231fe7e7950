import { useMemo } from 'preact/hooks';
import { Empty, Once } from '../../parts/states.tsx';
import { ask } from '../../service/client.ts';
import { useLoaded } from '../../service/use-answer.ts';
import type { PageProps } from '../../shell/pages.ts';
import { choicesIn, type IndexAnswer, type Served } from './choices.ts';
import { Playground } from './playground.tsx';
import './playground.css';

/** The page `Playground`: a question, searched without and with reasoning. */
export default function PlaygroundPage({ params }: PageProps) {
  const loaded = useLoaded(load, []);
  return (
    <div class="playground">
      <div class="title">
        <h1>Playground</h1>
        <p class="note">One question, searched twice: as it is, and as a reasoner puts it.</p>
      </div>
      <Once loaded={loaded} what="the service">
        {(served) =>
          served.config.indexes.length === 0 ? <NoIndex /> : <Asked served={served} params={params} />
        }
      </Once>
    </div>
  );
}

async function load(signal: AbortSignal): Promise<Served> {
  const [config, { indexes }] = await Promise.all([
    ask<Served['config']>('v1/config', undefined, { signal }),
    ask<{ readonly indexes: readonly IndexAnswer[] }>('v1/indexes', undefined, { signal }),
  ]);
  return { config, indexes };
}

function Asked({ served, params }: { readonly served: Served; readonly params: URLSearchParams }) {
  const said = params.toString();
  const choices = useMemo(() => choicesIn(params, served), [said, served]);
  return <Playground served={served} choices={choices} />;
}

function NoIndex() {
  return (
    <Empty title="There is nothing to search yet">
      <p>Build an index of your documents, and serve it by a name:</p>
      <pre tabIndex={0}>
        <code>
          {'npx quern index notes/ --store --out notes.index\nnpx quern serve --index notes=notes.index'}
        </code>
      </pre>
      <p class="note">
        In place of <code>notes/</code>, a folder of text files, goes a JSONL file or a BEIR folder of yours.
        With a data folder (<code>--data-dir</code>) documents can be uploaded, too.
      </p>
    </Empty>
  );
}
