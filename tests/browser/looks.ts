/** What is wrong with the looks of a page, seen from inside the browser: this function goes there as text, so it brings all it needs. */

export interface Looks {
  /** Pixels by which the page is wider than its window. */
  readonly overflow: number;
  /** Letters of charts that lie outside of the window. */
  readonly outside: readonly string[];
  /** Pairs that cover each other. */
  readonly overlapping: readonly string[];
  /** Text below 4.5:1 against what is behind it: WCAG 2.1, 1.4.3. */
  readonly faint: readonly string[];
  /** Height of the smallest letters of charts, in pixels of the screen. */
  readonly letters: number;
  /** Luminance of the page itself, from 0 to 1. */
  readonly background: number;
}

export function looks(): Looks {
  const root = document.documentElement;
  const visible = (element: Element): boolean => element.checkVisibility() && element.textContent.trim() !== '';
  const texts = [...document.querySelectorAll('svg text')].filter(visible);
  const place = (element: Element): DOMRect => element.getBoundingClientRect();
  const name = (element: Element): string => element.textContent.trim().slice(0, 40);

  const outside = texts.filter((text) => place(text).left < 0 || place(text).right > root.clientWidth).map(name);

  const overlapping: string[] = [];
  for (const svg of document.querySelectorAll('svg')) {
    const own = texts.filter((text) => svg.contains(text));
    own.forEach((one, index) => {
      for (const other of own.slice(index + 1)) {
        const [a, b] = [place(one), place(other)];
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        // Boxes of lines are higher than their letters.
        if (wide > 1 && high > 4) overlapping.push(`${name(one)} | ${name(other)}`);
      }
    });
  }

  const channels = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = channels(colour).map((channel) => {
      const part = channel / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element: Element | null): string => {
    if (element === null) return 'rgb(255, 255, 255)';
    const { backgroundColor } = getComputedStyle(element);
    return channels(backgroundColor)[3] === 0 ? behind(element.parentElement) : backgroundColor;
  };
  const contrast = (one: string, other: string): number => {
    const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const worded = [...document.body.querySelectorAll('*')].filter(
    (element) =>
      visible(element) &&
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim() !== ''),
  );
  const faint = worded
    .map((element) => {
      const { color, fill } = getComputedStyle(element);
      return { element, ratio: contrast(element.closest('svg') === null ? color : fill, behind(element)) };
    })
    .filter(({ ratio }) => ratio < 4.5)
    .map(({ element, ratio }) => `${name(element)}: ${ratio.toFixed(2)}`);

  const scale = (text: Element): number => {
    const svg = text.closest('svg');
    return svg === null ? 1 : place(svg).width / svg.viewBox.baseVal.width;
  };
  return {
    overflow: root.scrollWidth - root.clientWidth,
    outside,
    overlapping,
    faint: [...new Set(faint)],
    letters: Math.min(...texts.map((text) => Number.parseFloat(getComputedStyle(text).fontSize) * scale(text))),
    background: luminance(behind(document.body)),
  };
}
