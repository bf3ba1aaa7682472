/** How it looks: colours that keep their contrast in light and dark, and a table that scrolls by itself on a phone. */

/** The colours of a timeline, for the root that holds one. */
export const timelineStyles = `
  --ec-ink: light-dark(#3b4252, #d5dbe6);
  --ec-line: light-dark(#9aa3b2, #5b6577);
  --ec-fresh: light-dark(#12805c, #4cc79a);
  --ec-aging: light-dark(#b45f06, #f2b45c);
  --ec-stale: light-dark(#a13a86, #e08ac8);
  --ec-waited: light-dark(#2563c9, #79aaf7);
  --ec-failed: light-dark(#c02b2b, #ff8b82);
  --ec-fetch: light-dark(#40659a, #8fb4e8);
  --ec-pause: light-dark(#c9ced8, #4a5262);
`

export const styles = `
  :host { display: block; ${timelineStyles} }
  * { box-sizing: border-box }
  section {
    color: light-dark(#1c2230, #e6eaf2); background: light-dark(#ffffff, #171c26);
    border: 1px solid light-dark(#cfd5df, #384255); border-radius: 8px; padding: 12px;
    font: 14px/1.45 system-ui, sans-serif;
  }
  h2, h3 { font-size: 1rem; margin: 0 0 8px }
  h3 { font-size: 0.9rem; margin-top: 14px }
  .scroll { overflow-x: auto }
  .scroll:focus-visible, button:focus-visible, input:focus-visible { outline: 2px solid var(--ec-waited); outline-offset: 1px }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
  caption { text-align: start; padding-bottom: 6px; color: light-dark(#4a5468, #b4bccb) }
  th, td { text-align: start; padding: 4px 10px 4px 0; vertical-align: top; white-space: nowrap }
  thead th { font-weight: 600; border-bottom: 1px solid light-dark(#cfd5df, #384255) }
  tbody th { font-weight: 600 }
  td.wide { white-space: normal; min-width: 12em; overflow-wrap: anywhere }
  label { display: inline-flex; gap: 6px; align-items: center; margin-bottom: 8px }
  input { font: inherit; color: inherit; background: transparent; border: 1px solid var(--ec-line); border-radius: 4px; padding: 2px 6px }
  button {
    font: inherit; color: inherit; background: none; border: 0; border-radius: 3px; padding: 0;
    text-decoration: underline; text-underline-offset: 2px; cursor: pointer;
  }
  button[aria-expanded='true'] { text-decoration-style: double }
  .age { display: inline-block; position: relative; width: 72px; height: 8px; margin-inline-end: 6px; border-radius: 4px;
    background: var(--ec-pause); overflow: hidden }
  .age > i { position: absolute; inset: 0 auto 0 0; background: var(--ec-fresh) }
  .age > b { position: absolute; inset: 0 auto 0 0; width: 2px; background: var(--ec-ink) }
  [data-freshness='aging'] .age > i { background: var(--ec-aging) }
  [data-freshness='expired'] .age > i { background: var(--ec-stale) }
  .failed { color: var(--ec-failed) }
  .ec-plot { color: var(--ec-ink); background: none; max-width: 100% }
  ol { list-style: none; margin: 0; padding: 0; max-height: 14em; overflow-y: auto; font-variant-numeric: tabular-nums }
  li { overflow-wrap: anywhere }
  time { color: light-dark(#4a5468, #b4bccb); margin-inline-end: 8px }
`
