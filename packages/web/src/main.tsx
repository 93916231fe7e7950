import { render } from 'preact';
import { App } from './shell/app.tsx';
import { applyTheme } from './shell/theme.ts';
import './style/base.css';
import './style/shell.css';

applyTheme();
render(<App />, document.getElementById('app')!);
