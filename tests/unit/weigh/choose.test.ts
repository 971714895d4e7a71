import { describe, expect, test } from 'vitest';
import { choose } from '../../../src/weigh/choose.ts';
import type { WeighCommand } from '../../../src/weigh/types/command.ts';

const chosen = (command: Partial<WeighCommand>) => choose({ words: [], effort: 'normal', files: {}, ...command });
const names = (...backends: readonly string[]): string[] => chosen({ backends }).backends.map(({ name }) => name);
const complaint = (command: Partial<WeighCommand>): string => {
  try {
    return `none: ${chosen(command).backends.length}`;
  } catch (error) {
    return (error as Error).message;
  }
};

describe('backends are named', () => {
  test('one by one, and one that is named twice is measured against itself', () => {
    expect(names('crun', 'process', 'crun')).toEqual(['crun', 'process', 'crun']);
  });

  test('by what they have in common: a family, a board, who executes them', () => {
    expect(names('sandbox')).toEqual(['unshare', 'bwrap']);
    expect(names('q35')).toEqual(['q35-kvm', 'q35-tcg']);
    expect(names('qemu-tcg')).toEqual(['microvm-tcg', 'q35-tcg', 'q35-emulated-tcg']);
    expect(names('vm')).toContain('microvm-snapshot');
  });

  test('of two groups, once each', () => {
    expect(names('microvm', 'qemu-tcg')).toEqual(['microvm-kvm', 'microvm-tcg', 'q35-tcg', 'q35-emulated-tcg']);
  });
});

describe('what is wrong is told', () => {
  test('with all names that there are, and the nearest', () => {
    expect(complaint({ backends: ['qemu-tgc'] })).toMatch(
      /^weigh: no such backend: qemu-tgc \(did you mean qemu-tcg\?\); there are process, .*, microvm-tcg, .*, qemu-kvm/,
    );
  });

  test('all at once', () => {
    expect(complaint({ words: ['strat', 'mem'], backends: ['nothing'] })).toMatch(
      /^weigh: 3 problems\n {2}no such question: strat .*\n {2}no such question: mem.*\n {2}no such backend: nothing/,
    );
  });
});
