/** What a guest sees, as a page of text. Pure. */
import { describePlatform, type PlatformFacts, platformFiles } from '../linux/platform.ts';
import type { MachineView, SeenDevice } from './machine-view.ts';

export function renderView({ platform, devices, facts }: MachineView): string {
  const rows = [...describePlatform(platform), ...tablesOf(facts)];
  const wide = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, text], index) => {
    const shown = rows[index - 1]?.[0] === label ? '' : label;
    return `${shown.padEnd(wide)}  ${text}`;
  });
  return `${[...lines, '', ...table(devices)].join('\n')}\n`;
}

/** What the firmware says of the board, and the clocks that the kernel has found. */
function tablesOf({ files }: PlatformFacts): (readonly [label: string, text: string])[] {
  const { vendor, product, bios, clocks } = platformFiles;
  const board = [files[vendor], files[product]].filter(Boolean).join(' ');
  const firmware = files[bios] === undefined ? '' : `, with firmware by ${files[bios]}`;
  return [
    ['DMI', board === '' ? 'none: no firmware has left tables about the board' : `${board}${firmware}`],
    ...(files[clocks] === undefined ? [] : [['clocks', files[clocks].trim().replaceAll(' ', ', ')] as const]),
  ];
}

function table(devices: readonly SeenDevice[]): string[] {
  if (devices.length === 0) return ['no devices on any bus that tare knows'];
  const rows = devices.map(({ bus, name, driver, kind, what }) => [bus, name, driver ?? '-', kind ?? '?', what]);
  const head = ['BUS', 'DEVICE', 'DRIVER', 'KIND', 'WHAT IT IS'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  return [head, ...rows].map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
