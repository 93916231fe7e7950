import { useRef, useState } from 'preact/hooks';

/** Copies a text, and says that it did. */
export function CopyButton({ text, label }: { readonly text: () => string; readonly label: string }) {
  const [said, setSaid] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text());
      setSaid('Copied');
    } catch {
      // Without HTTPS, and beyond this machine, browsers let no page write there.
      setSaid('This browser did not allow it');
    }
    // Who copies again is told for as long.
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSaid(''), 2000);
  };
  return (
    <button type="button" class="quiet" onClick={() => void copy()}>
      {said === '' ? label : said}
      <span class="hidden" role="status">
        {said}
      </span>
    </button>
  );
}
