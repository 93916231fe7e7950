import { useState } from 'preact/hooks';
import { hashOf } from '../address.ts';
import { addressOf } from '../service/client.ts';
import { onlyPage, pages, type Page } from './pages.ts';
import { applyTheme, chosenTheme, themes, type Theme } from './theme.ts';

/** The name, the pages, and how they look. */
export function Header({ page }: { readonly page: Page | undefined }) {
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  return (
    <header class="top">
      <a class="brand" href={hashOf('')}>
        <img src="./icon.svg" alt="" width="24" height="24" />
        Quern
      </a>
      <nav aria-label="Pages">
        <ul>
          {pages.map((each) => (
            <li key={each.path}>
              <a href={hashOf(each.path)} aria-current={each === page ? 'page' : undefined}>
                {each.title}
              </a>
            </li>
          ))}
          {onlyPage === undefined && (
            <li>
              <a href={addressOf('docs')}>API</a>
            </li>
          )}
        </ul>
      </nav>
      <label class="theme">
        <span class="hidden">Colours</span>
        <select
          value={theme}
          onChange={(event) => {
            const chosen = themes.find((each) => each === event.currentTarget.value)!;
            setTheme(chosen);
            applyTheme(chosen);
          }}
        >
          <option value="system">System</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </label>
    </header>
  );
}
