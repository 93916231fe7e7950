import { markup } from '../../report/markup.ts';

/** The page that runs are watched on, without any of them: its scripts put them in. */
export const watchPage = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Training runs · Quern</title>
<link rel="stylesheet" href="/uplot.css">
<link rel="stylesheet" href="/style.css">
<script src="/uplot.js" defer></script>
<script src="/page/page.js" type="module"></script>
</head>
<body>
<header>
<h1>Training runs</h1>
<nav id="contents" aria-label="On this page" hidden><a href="#samples">Samples</a></nav>
<p id="connection" role="status"></p>
</header>
<main>
<section aria-labelledby="runs-title"><h2 id="runs-title" class="unseen">Runs</h2><ul id="runs"></ul></section>
<form id="settings" aria-label="How curves are drawn" hidden>
<label>Smoothing <input id="smoothing" type="range" min="0" max="0.99" step="0.01" value="0.6"> <output id="smoothing-value" for="smoothing"></output></label>
<fieldset><legend>Against</legend>
<label><input type="radio" name="against" value="step" checked> step</label>
<label><input type="radio" name="against" value="time"> time</label>
</fieldset>
<button id="whole" type="button" hidden>Show all of it</button>
</form>
<div id="charts"></div>
<section id="samples" aria-labelledby="samples-title" hidden><h2 id="samples-title">Samples</h2>
<form id="sample-choice" aria-label="Which samples are shown">
<label id="sample-run-label">Run <select id="sample-run"></select></label>
<div id="sample-place" class="steps"><label for="sample-step">Step</label>
<button id="step-before" type="button" aria-label="The step before">‹</button>
<input id="sample-step" type="range" min="0" max="0" value="0">
<button id="step-after" type="button" aria-label="The step after">›</button>
<output id="sample-step-value" for="sample-step"></output></div>
<div id="question-place" class="steps"><span id="question-label">Question</span>
<button id="question-before" type="button" aria-label="The question before">‹</button>
<output id="question-value" aria-labelledby="question-label"></output>
<button id="question-after" type="button" aria-label="The question after">›</button></div>
<label id="order-label">Order <select id="sample-order"><option value="best">highest reward first</option><option value="worst">lowest reward first</option><option value="long">longest first</option><option value="drawn">as they were drawn</option></select></label>
</form>
<p id="sample-note" class="note" role="status"></p>
<div id="sample"></div>
</section>
<noscript><p>This page draws what it shows with scripts of its own, and these are switched off.</p></noscript>
</main>
</body>
</html>
`.source;
