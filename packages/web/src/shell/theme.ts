/** Light, dark, or as the system has it. */
export const themes = ['system', 'light', 'dark'] as const;

export type Theme = (typeof themes)[number];

const key = 'quern-theme';

/** The theme that was chosen. */
export function chosenTheme(): Theme {
  try {
    const kept = localStorage.getItem(key);
    return themes.find((theme) => theme === kept) ?? 'system';
  } catch {
    return 'system';
  }
}

/** Shows the page in a theme, by default the chosen one, and keeps the choice. */
export function applyTheme(theme: Theme = chosenTheme()): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem(key, theme);
  } catch {
    // It is chosen again next time.
  }
  dispatchEvent(new Event('themechange'));
}

/** Whether what is shown now is dark. */
export function isDark(): boolean {
  const { theme } = document.documentElement.dataset;
  return theme === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark';
}

/** The value of a colour of the style as it is shown now, such as `rgb(138, 90, 31)` of `accent`, for what draws on a canvas. */
export function colour(name: string): string {
  // The variable itself would be told as it is written, with both themes in it.
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Calls `listener` when other colours are shown, until what is returned is called. */
export function onTheme(listener: () => void): () => void {
  const query = matchMedia('(prefers-color-scheme: dark)');
  query.addEventListener('change', listener);
  addEventListener('themechange', listener);
  return () => {
    query.removeEventListener('change', listener);
    removeEventListener('themechange', listener);
  };
}
