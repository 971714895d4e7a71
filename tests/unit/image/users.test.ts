import { expect, test } from 'vitest';
import { lookUpUser } from '../../../src/image/users.ts';

const files = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1001::/home/alice:/bin/sh\nbroken\n\n# a comment\n',
  group: 'root:x:0:\nwheel:x:10:root,alice\nalice:x:1001:\nvideo:x:44:alice\n',
};
const nothing = { passwd: undefined, group: undefined };

test('nobody named is root, with the groups that list it', () => {
  expect(lookUpUser('', [], files)).toEqual({ uid: 0, gid: 0, additionalGids: [10], home: '/root' });
});

test('a name brings its group, its groups and its home', () => {
  expect(lookUpUser('alice', [], files)).toEqual({
    uid: 1000,
    gid: 1001,
    additionalGids: [10, 44],
    home: '/home/alice',
  });
});

test('a listed number is the same user', () => {
  expect(lookUpUser('1000', [], files)).toEqual(lookUpUser('alice', [], files));
});

test('a number need not be listed, nor any file be there', () => {
  expect(lookUpUser('4242', [], nothing)).toEqual({ uid: 4242, gid: 0, additionalGids: [], home: '/' });
  expect(lookUpUser('4242:4343', [], nothing)).toEqual({ uid: 4242, gid: 4343, additionalGids: [], home: '/' });
});

test('a named group replaces the own one, and leaves the listed ones out', () => {
  expect(lookUpUser('alice:video', [], files)).toMatchObject({ gid: 44, additionalGids: [] });
});

test('groups are added once, by name or number', () => {
  expect(lookUpUser('alice', ['video', '10', '77'], files).additionalGids).toEqual([10, 44, 77]);
});

test.each([
  ['bob', [], files, 'find the user "bob" (hint: it is not in the image\'s /etc/passwd; a number works without)'],
  ['bob', [], nothing, 'find the user "bob" (hint: the image has no /etc/passwd; a number works without)'],
  [
    'alice:staff',
    [],
    files,
    'find the group "staff" (hint: it is not in the image\'s /etc/group; a number works without)',
  ],
  ['', ['staff'], nothing, 'find the group "staff" (hint: the image has no /etc/group; a number works without)'],
  ['4294967295', [], files, 'use the id 4294967295 (hint: ids are below 4294967295)'],
])('%s with %j is refused', (user, groups, image, message) => {
  expect(() => lookUpUser(user, groups, image)).toThrow(message);
});
