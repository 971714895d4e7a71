/** Tables of a page: each in a region that can be scrolled with the keyboard where it is wider than its page. */
import { html, type Markup, type Part } from './markup.ts';

export interface Column {
  readonly title: Part;
  /** Words stand to the left; numbers, to the right. */
  readonly kind?: 'short' | 'text' | 'long';
}

/** The first cell of each row is its head. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Part[])[],
  kind = '',
): Markup {
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table class="${kind}">
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(({ title, kind: own }) => html`<th scope="col" ${className(own)}>${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([head, ...cells]) =>
            html`<tr>
              <th scope="row">${head}</th>
              ${cells.map((cell, index) => html`<td${className(columns[index + 1]?.kind)}>${cell}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div> `;
}

const className = (kind: Column['kind']): Markup => (kind === undefined ? html`` : html` class="${kind}"`);
