import { posix } from 'node:path';
import { didYouMean } from '../../spec/nearest.ts';
import type { NamespaceChoice } from '../../spec/request.ts';
import type { Form } from '../flag.ts';

/** @param own the word for a new one: `private`, and `none` for a network with no one else in it */
export const namespaceChoice = (own: string): Form<NamespaceChoice> => ({
  expects: `${own}, host or ns:PATH`,
  read: (value, complain, { cwd }) => {
    if (value === own) return 'new';
    if (value === 'host') return 'host';
    if (/^ns:./s.test(value)) return { path: posix.resolve(cwd, value.slice('ns:'.length)) };
    complain(value === 'ns:' ? 'no path' : `no such choice${didYouMean(value, [own, 'host'])}`);
    return undefined;
  },
});
