import { expect, test } from 'vitest';
import { surround } from '../../../src/weigh/surroundings.ts';

const stock = { root: '/', payload: ['true'], program: undefined, tools: '/nowhere' } as const;

test('tools that the image lacks are named, with the packages that bring them', async () => {
  await using surroundings = await surround(stock, { tools: ['fio', 'redis-server', 'redis-benchmark'], link: true });
  expect(surroundings.lack).toBe(
    'the image has no fio, no redis-server, no redis-benchmark (apt-get install fio redis-tools, then npm run build)',
  );
});

test('a disk that lies in memory is none', async () => {
  await using surroundings = await surround(stock, { disk: true }, '/dev/shm');
  expect(surroundings.lack).toBe('there is no disk to write to: /dev/shm lies in memory');
});

test('who needs nothing lacks nothing', async () => {
  await using surroundings = await surround(stock);
  expect(surroundings).toMatchObject({ stock });
  expect(surroundings.lack).toBeUndefined();
});
