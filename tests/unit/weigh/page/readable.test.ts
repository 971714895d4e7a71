import { describe, expect, test } from 'vitest';
import { axisOver, linearAxis, placeOn, tickLabel, valueAt } from '../../../../src/weigh/report/page/axis.ts';
import { html, trusted } from '../../../../src/weigh/report/page/markup.ts';
import { readable, times } from '../../../../src/weigh/report/page/readable.ts';

const plain = (text: string): string => text.replaceAll('\u00a0', ' ');

describe('a number with its unit', () => {
  test.each([
    [0.0000021, 'ms', '2.10 ns'],
    [0.74, 'ms', '740 µs'],
    [18.585, 'ms', '18.6 ms'],
    [1739.5, 'ms', '1.74 s'],
    [-2.5, 'ms', '-2.50 ms'],
    [0, 'ms', '0 ms'],
    [24.6, 'ns', '24.6 ns'],
    [590_220, 'ns', '590 µs'],
    [102.9, 'MiB', '103 MiB'],
    [550.2, '1/s', '550/s'],
    [97, 'instances', '97.0'],
  ] as const)('%d %s reads %s', (value, unit, text) => expect(plain(readable(value, unit))).toBe(text));

  test('and how many times as much', () => expect(times(525.9)).toBe('526×'));
});

describe('an axis', () => {
  const said = (values: readonly number[], unit: 'ms' | 'MiB' | '1/s'): string => {
    const axis = axisOver(values, unit);
    return [axis.kind, ...axis.ticks.map((tick) => plain(tickLabel(tick, unit)))].join(', ');
  };

  test('has ticks that a person reads', () => {
    expect([
      said([0.7, 1900], 'ms'),
      said([3, 56], 'ms'),
      said([60, 100], 'MiB'),
      said([53, 2963], '1/s'),
      said([-6, 5], 'MiB'),
    ]).toMatchInlineSnapshot(`
      [
        "log, 1 ms, 10 ms, 100 ms, 1 s",
        "log, 5 ms, 10 ms, 20 ms, 50 ms",
        "log, 60 MiB, 80 MiB, 100 MiB, 120 MiB",
        "log, 50/s, 100/s, 200/s, 500/s, 1000/s, 2000/s",
        "linear, -5 MiB, 0 MiB, 5 MiB",
      ]
    `);
  });

  test('is logarithmic but where a value has no logarithm', () => {
    expect(axisOver([0, 4], 'MiB')).toMatchObject({ kind: 'linear', low: 0 });
    expect(linearAxis(0, 'ms')).toMatchObject({ low: 0, high: 1 });
  });

  test.each([axisOver([0.5, 800], 'ms'), linearAxis(7, 'ms')])('places values, and finds them again', (axis) => {
    for (const value of [0.6, 1, 6.9]) expect(valueAt(axis, placeOn(axis, value))).toBeCloseTo(value, 9);
    expect([placeOn(axis, axis.low), placeOn(axis, axis.high)]).toEqual([0, 1]);
  });
});

describe('markup', () => {
  test('escapes text wherever it stands', () => {
    const hostile = `"><script>alert('&')</script>`;
    expect(html`<a title="${hostile}">${hostile}</a>`.text).toMatchInlineSnapshot(
      `"<a title="&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;">&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;</a>"`,
    );
  });

  test('nests, repeats and leaves out', () => {
    const items = ['a', 'b'].map((name) => html`<li>${name}</li>`);
    expect(html`${items}${undefined}${trusted('<hr>')}${0}`.text).toBe('<li>a</li><li>b</li><hr>0');
  });
});
