import { labFlags } from './flags/lab.ts';
import type { Page } from './page.ts';

const labActions = [
  'list            show them, how far you are, and what this machine lacks',
  'start LAB       begin, or go on: by number, or a file of your own',
  'run LAB         the same with a shell below the text, and a check at each prompt',
  'check [STEP]    see whether a step is done, by what the kernel says',
  'hint [STEP]     a push in the right direction',
  'solution [STEP] the commands',
  'status          what is done',
  'reset [LAB]     take away what labs have made here; what was passed is kept',
  'export          progress as JSON, with the seed, for a teacher',
  'new NAME        write a lab to begin with',
  'lint FILE...    say what is wrong with a lab; --play tries it out',
]
  .map((line) => `  ${line}`)
  .join('\n');

export const labPage: Page = {
  group: 'Labs',
  summary: 'Learn by doing; the kernel says whether it is done.',
  usage: 'tare lab ACTION [FLAGS] [WORDS]',
  about: `Work through namespaces, filesystems, limits and machines with your own hands, step by step.\n\nACTION is one of\n${labActions}`,
  groups: [{ title: 'Flags', flags: labFlags }],
  examples: [
    ['tare lab list', 'what there is'],
    ['tare lab start 1', 'the first'],
    ['tare lab check', 'is the step done?'],
  ],
};
