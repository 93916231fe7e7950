import type { ComponentType } from 'preact';

/** What a page is given. */
export interface PageProps {
  /** What the address says beside the page's name. */
  readonly params: URLSearchParams;
}

/** A page of the service. */
export interface Page {
  /** Its part of the address; empty for the first. */
  readonly path: string;
  readonly title: string;
  load(): Promise<{ readonly default: ComponentType<PageProps> }>;
}

/** The only page that there is here, by its path: of a server that has no more than it. Undefined: all. */
export const onlyPage: string | undefined =
  document.querySelector<HTMLMetaElement>('meta[name="quern-only"]')?.content;

const all: readonly Page[] = [
  { path: '', title: 'Playground', load: () => import('../pages/playground/playground-page.tsx') },
  { path: 'training', title: 'Training', load: () => import('../pages/training/training-page.tsx') },
  { path: 'evaluation', title: 'Evaluation', load: () => import('../pages/evaluation/evaluation-page.tsx') },
  { path: 'data', title: 'Data', load: () => import('../pages/data/data-page.tsx') },
];

/** All pages that there are, in their order; each is loaded when it is first looked at. */
export const pages: readonly Page[] = all.filter(({ path }) => onlyPage === undefined || path === onlyPage);

/** The page that a path of an address names; the empty one names the first. */
export function pageAt(path: string): Page | undefined {
  return path === '' ? pages[0] : pages.find((page) => page.path === path);
}
