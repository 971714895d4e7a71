/** A network: through the stack of a kernel alone, and through the pair of devices or the card that leads outside. */
import { outputOf, readFigures } from '../figures-of.ts';
import { outside, ports } from '../link.ts';
import { pace } from '../pace.ts';
import { receivedRate } from '../tools/iperf3.ts';
import type { Job } from '../types/backend.ts';
import type { Stock, Trial, Values, Workload } from '../types/workload.ts';

export const network: Workload = {
  question: 'network',
  asks: 'how soon comes an answer, and how much passes, inside and to the outside?',
  method:
    'All join a network of the weighing’s own: processes and containers by a pair of veth devices, machines by a card behind a tap; both lead to one bridge, on whose address somebody outside listens. A byte is sent by TCP and waited for, again and again; then iperf3 sends one stream for a second each way. Over loopback both ends are in the instance.',
  ownImage: true,
  measures: [
    {
      name: 'p50',
      title: 'request → response',
      unit: 'ns',
      better: 'lower',
      definition: 'A byte by TCP there and back, TCP_NODELAY, over one connection: the median.',
    },
    { name: 'p99', title: 'p99 of it', unit: 'ns', better: 'lower', definition: 'What 99 of 100 took at most.' },
    {
      name: 'out',
      title: 'stream out',
      unit: 'MB/s',
      better: 'higher',
      definition: 'One stream of iperf3 from the instance, as it arrived.',
    },
    { name: 'in', title: 'stream in', unit: 'MB/s', better: 'higher', definition: 'The same the other way.' },
  ],
  trials: ({ effort }) => [
    { ...common('link', 'to the outside', outside, effort), showsWay: true },
    ...(effort === 'quick' ? [] : [common('loopback', 'over loopback', '127.0.0.1', effort)]),
  ],
};

type Effort = Parameters<Workload['trials']>[0]['effort'];

/** ms of requests. */
const pinged: Readonly<Record<Effort, number>> = { quick: 300, normal: 500, full: 1000 };

const common = (name: string, title: string, address: string, effort: Effort): Trial => ({
  name,
  title,
  needs: { tools: ['iperf3'], link: true },
  pace: {
    ...pace(effort, { quick: 60, normal: 90, full: 150 }),
    warmup: 0,
    least: 3,
    most: effort === 'full' ? 20 : 10,
  },
  job: (stock) => jobFor(stock, [...(name === 'loopback' ? servers : []), ...clients(address, pinged[effort])]),
  sample: async (peer) => valuesOf(await outputOf(peer)),
});

function jobFor({ tools = '', outside: link }: Stock, lines: readonly string[]): Job {
  const script = ['set -e', scratch, ...lines].join('\n');
  return { root: tools, payload: ['/bin/sh', '-c', script], network: link ?? 'own' };
}

/** iperf3 keeps what it sends in a file, and some roots are read-only. */
const scratch = 'export TMPDIR=/dev/shm';

/** Whoever shares the namespaces of its processes with others has to end them itself. */
const servers = [
  'servers=',
  "trap 'kill $servers; wait' EXIT",
  `iperf3 -s -p ${ports.out} > /dev/null & servers="$servers $!"`,
  `iperf3 -s -p ${ports.in} > /dev/null & servers="$servers $!"`,
  `payload echo ${ports.echo} & servers="$servers $!"`,
  ...Object.values(ports).map((port) => `payload listening ${port}`),
];

/** iperf3 complains in its JSON. */
const clients = (address: string, milliseconds: number): string[] => [
  `payload ping ${address} ${ports.echo} ${milliseconds}`,
  'stream() { said=$(iperf3 -c "$@" -t 1 -i 0 -J) || { echo "$said" >&2; exit 1; }; echo "$said"; }',
  `stream ${address} -p ${ports.out}`,
  `echo ${between}`,
  `stream ${address} -p ${ports.in} -R`,
];

const between = '--';

function valuesOf(text: string): Values {
  const begin = text.indexOf('{');
  const [out = '', back = ''] = text.slice(begin).split(`\n${between}\n`);
  return { ...readFigures(text.slice(0, begin)), out: receivedRate(out), in: receivedRate(back) };
}
