/** What a guest sees, as a page of text. Pure. */
import { describePlatform, judgePlatform } from '../linux/platform.ts';
import { knownDevice } from './device-names.ts';
import type { Device, Inspection } from './inspection.ts';

export function renderInspection({ platform, devices }: Inspection): string {
  const facts = describePlatform(judgePlatform(platform));
  const wide = Math.max(...facts.map(([label]) => label.length));
  const lines = facts.map(([label, text], index) => {
    const shown = facts[index - 1]?.[0] === label ? '' : label;
    return `${shown.padEnd(wide)}  ${text}`;
  });
  return `${[...lines, '', ...table(devices)].join('\n')}\n`;
}

function table(devices: readonly Device[]): string[] {
  if (devices.length === 0) return ['no devices on any bus that tare knows'];
  const rows = devices.map(({ bus, name, id, driver }) => {
    const known = knownDevice(bus, id);
    return [bus, name, driver ?? '-', known?.kind ?? '?', known?.what ?? id];
  });
  const head = ['BUS', 'DEVICE', 'DRIVER', 'KIND', 'WHAT IT IS'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  return [head, ...rows].map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
