/** The style sheet: light, dark and on paper, from 320 pixels up. Colours hold 4.5:1 as text and 3:1 as marks. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --card: #ffffff; --ink: #15181e; --ink-2: #4a5261; --line: #dfe1dc; --accent: #1a4fc4; --flag: #fff0b3;
  --process: #57606f; --sandbox: #0b7a70; --container: #1f56d8; --daemon: #7a35d6; --vm: #c2480c;
  --part-1: #1f56d8; --part-2: #c2480c; --part-3: #0b7a70; --part-4: #7a35d6; --part-5: #57606f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1217; --card: #171b22; --ink: #e9ebef; --ink-2: #aab2be; --line: #2c333d; --accent: #8fb4ff; --flag: #57480f;
    --process: #a3acb9; --sandbox: #35c9b8; --container: #7da6ff; --daemon: #bd98f7; --vm: #ff9a5c;
    --part-1: #7da6ff; --part-2: #ff9a5c; --part-3: #35c9b8; --part-4: #bd98f7; --part-5: #a3acb9;
  }
}
time { white-space: nowrap; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.6 system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main, header, footer { max-width: 928px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 56px; }
p, li, dd { max-width: 68ch; }
p, ul, ol, dl { margin: 0 0 1em; }
h1 { font-size: clamp(2rem, 6vw, 3rem); line-height: 1.1; letter-spacing: -0.02em; margin: 0 0 .35em; }
h2 { font-size: 1.6rem; line-height: 1.2; letter-spacing: -0.01em; margin: 3.2rem 0 .5rem; padding-top: 1.2rem; border-top: 1px solid var(--line); text-wrap: balance; }
h3 { font-size: 1.12rem; line-height: 1.3; margin: 2.2rem 0 .5rem; }
h4 { font-size: .95rem; margin: 1.4rem 0 .3rem; }
a { color: var(--accent); text-underline-offset: .18em; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 3px; }
.skip { position: absolute; left: -999em; }
.skip:focus { left: 16px; top: 12px; background: var(--card); padding: .4em .8em; z-index: 1; }
.lead { font-size: 1.2rem; line-height: 1.5; color: var(--ink-2); }
.small, figcaption, .notes { font-size: .9rem; line-height: 1.5; color: var(--ink-2); }
.notes { padding-left: 1.1em; }
.warn { background: var(--flag); padding: .7em 1em; border-radius: 8px; max-width: none; }
nav ul { display: flex; flex-wrap: wrap; gap: .3em 1.4em; padding: 0; margin: 1.6em 0 0; list-style: none; }
.findings { columns: 380px; column-gap: 16px; padding: 0; margin: 28px 0 0; list-style: none; }
.findings li { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 20px 22px; max-width: none; margin-bottom: 16px; break-inside: avoid; }
.findings h3 { margin: 0 0 .4rem; font-size: 1.02rem; }
.findings p { margin: 0 0 .6em; }
.findings p:last-child { margin: 0; }
.findings .figure { font-size: 2.5rem; line-height: 1.1; font-weight: 650; letter-spacing: -0.02em; margin: 0 0 .15em; font-variant-numeric: tabular-nums; }
figure { margin: 1.2rem 0 .6rem; }
figcaption { margin-top: .5rem; max-width: 76ch; }
.drawing svg { overflow: visible; display: block; width: 100%; height: auto; }
.drawing.narrow { display: none; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 40px; align-items: start; }
.pair > div { min-width: 0; }
.keys { display: flex; flex-wrap: wrap; gap: .2em 1.2em; padding: 0; margin: .2rem 0 .4rem; list-style: none; font-size: .9rem; color: var(--ink-2); }
.keys svg { width: 14px; height: 14px; vertical-align: -2px; margin-right: .45em; }
.scroll { overflow-x: auto; margin: .8rem 0 1rem; }
table { border-collapse: collapse; font-size: .9rem; line-height: 1.4; font-variant-numeric: tabular-nums; min-width: 100%; }
caption { text-align: left; color: var(--ink-2); padding-bottom: .4em; }
th, td { text-align: right; padding: .42em .7em; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
td small { display: block; font-size: .84em; color: var(--ink-2); }
thead th { white-space: normal; color: var(--ink-2); font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tbody th { font-weight: 600; }
th.text, th.short, th.long, td.short { text-align: left; }
td.text { text-align: left; white-space: normal; min-width: 13ch; }
td.long { text-align: left; white-space: normal; min-width: 30ch; }
details { margin: .4rem 0 1rem; }
summary { cursor: pointer; color: var(--accent); }
.samples { font-size: .82rem; }
.samples td { white-space: normal; text-align: left; min-width: 36ch; }
mark { background: var(--flag); color: inherit; border-radius: 3px; padding: 0 .2em; }
ul.plain { list-style: none; margin: 0; padding: 0; }
code { font: .9em ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25em 1.4em; }
.facts dt { color: var(--ink-2); overflow-wrap: anywhere; } .facts dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 4rem; padding-bottom: 4rem; }
@media (max-width: 860px) {
  body { font-size: 16px; }
  main, header, footer { padding-left: 18px; padding-right: 18px; }
  header { padding-top: 32px; }
  .drawing.wide { display: none; } .drawing.narrow { display: block; max-width: 460px; }
  .pair { grid-template-columns: 1fr; }
  .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: .6em; }
}
@media print {
  :root {
    --paper: #ffffff; --card: #ffffff; --ink: #000000; --ink-2: #3a3f47; --line: #c9ccc6; --accent: #000000; --flag: #eeeeee;
    --process: #57606f; --sandbox: #0b7a70; --container: #1f56d8; --daemon: #7a35d6; --vm: #c2480c;
    --part-1: #1f56d8; --part-2: #c2480c; --part-3: #0b7a70; --part-4: #7a35d6; --part-5: #57606f;
  }
  html { font-size: 10pt; }
  @page { margin: 16mm 14mm; }
  body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main, header, footer { max-width: none; padding: 0; }
  nav, .skip, .screen { display: none; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
  details > summary { list-style: none; color: inherit; font-weight: 600; }
  .drawing.wide { display: block; } .drawing.narrow { display: none; }
  .pair { grid-template-columns: 1fr 1fr; }
  .findings { columns: 2; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; }
  th, td { white-space: normal; padding: .3em .45em; }
  h2, h3, h4 { break-after: avoid; }
  figure, tr, .findings li { break-inside: avoid; }
  .sources a::after { content: " (" attr(href) ")"; }
}
`;
