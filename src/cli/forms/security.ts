import { posix } from 'node:path';
import { capabilityNames } from '../../spec/capability-names.ts';
import { didYouMean } from '../../spec/nearest.ts';
import type { RunRequest } from '../../spec/request.ts';
import type { Complain, Context, Form } from '../flag.ts';
import { quote } from '../quote.ts';
import { readTruth } from './words.ts';

const short = (name: string): string => name.replace(/^CAP_/, '');
const names = ['ALL', ...capabilityNames.map(short)];

/** Docker's spelling: without `CAP_`, in upper case. */
export const capability: Form<string> = {
  expects: 'a name of capabilities(7), such as NET_ADMIN, or ALL',
  read: (value, complain) => {
    const name = short(value.toUpperCase());
    if (names.includes(name)) return name;
    complain(`no such capability${didYouMean(name, names)}`);
    return undefined;
  },
};

type Security = Pick<RunRequest, 'noNewPrivileges' | 'seccomp' | 'apparmor' | 'selinux' | 'systemPaths'>;

type Read = (value: string, complain: Complain, context: Context) => Security | undefined;

/** With the first `=` or, as Docker once wrote it, `:` between the key and the value. */
const options: ReadonlyMap<string, Read> = new Map<string, Read>([
  [
    'no-new-privileges',
    (value, complain) => {
      const noNewPrivileges = value === '' ? true : readTruth(value);
      if (noNewPrivileges === undefined) complain('neither true nor false');
      return { noNewPrivileges };
    },
  ],
  [
    'seccomp',
    (value, complain, { cwd }) => {
      if (value === '') complain('neither a path nor unconfined');
      if (value === 'unconfined') return { seccomp: value };
      return { seccomp: value === 'builtin' || value === 'default' ? 'default' : posix.resolve(cwd, value) };
    },
  ],
  [
    'apparmor',
    (value, complain) => {
      if (value === '') complain('no profile');
      return { apparmor: value };
    },
  ],
  [
    'label',
    (value, complain) => {
      if (!/^[^:]+:[^:]+:[^:]+(:.+)?$/.test(value)) complain('a label is user:role:type:level, as a whole');
      return { selinux: value };
    },
  ],
  [
    'systempaths',
    (value, complain) => {
      if (value !== 'unconfined') complain('system paths are unconfined or not mentioned');
      return { systemPaths: 'unconfined' };
    },
  ],
]);

export const securityOption: Form<Security> = {
  expects: 'no-new-privileges, seccomp=PATH|unconfined, apparmor=PROFILE, label=LABEL or systempaths=unconfined',
  read: (value, complain, context) => {
    const [, key = '', rest = ''] = /^([^=:]*)(?:[=:](.*))?$/s.exec(value) ?? [];
    const read = options.get(key);
    if (read === undefined) complain(`no option is called ${quote(key)}${didYouMean(key, options.keys())}`);
    return read?.(rest, complain, context);
  },
};
