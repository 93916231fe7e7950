import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { hashOf, useAddress } from '../address.ts';
import { Empty, Once } from '../parts/states.tsx';
import { ServiceError } from '../service/service-error.ts';
import { useLoaded } from '../service/use-answer.ts';
import { Header } from './header.tsx';
import { pageAt, type Page, type PageProps } from './pages.ts';

/** The page that the address names, under the header. */
export function App() {
  const { page: path, params } = useAddress();
  const page = pageAt(path);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = page === undefined ? 'Quern' : `${page.title} · Quern`;
    // Who reads with a screen reader is told that the page is another, as of a link to one elsewhere.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [page]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <Header page={page} />
      <main id="main" ref={main} tabIndex={-1}>
        {page === undefined ? (
          <Empty title="There is no such page">
            <p>
              <a href={hashOf('')}>Go to the first page</a>
            </p>
          </Empty>
        ) : (
          <Shown key={page.path} page={page} params={params} />
        )}
      </main>
    </>
  );
}

function Shown({ page, params }: { readonly page: Page; readonly params: URLSearchParams }) {
  const loaded = useLoaded(() => contentOf(page), [page]);
  return (
    <Once loaded={loaded} what="the page">
      {({ default: Content }) => <Content params={params} />}
    </Once>
  );
}

/** The files of a page: those of an earlier build are not there any more. */
async function contentOf(page: Page): Promise<{ readonly default: ComponentType<PageProps> }> {
  try {
    return await page.load();
  } catch {
    throw new ServiceError(0, 'UNREACHABLE', 'the files of the page do not come', {
      hint: 'See whether the service still runs. If it is another version now, load this page anew',
    });
  }
}
