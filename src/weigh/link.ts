/**
 * A small network of this weighing's own, for instances to speak to somebody outside:
 *
 *     instances    10.0.2.14, or a card at 10.0.2.15
 *        │ veth         │ tap
 *        └─── bridge ───┘
 *           10.0.2.2: echo, iperf3, and whatever is run there
 *
 * Both network namespaces belong to processes of a pid namespace, whose first one dies with us: nothing has a name on the
 * host, and nothing is left. QEMU's card has the address that its own network would give it.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { TareError } from '../errors.ts';
import { onPath } from '../linux/host.ts';
import { runCommand } from './run-command.ts';
import type { Outside } from './types/workload.ts';

/** Of whoever listens outside, and of what is measured. */
export const outside = '10.0.2.2';
const namespaceAddress = '10.0.2.14';
export const machineAddress = '10.0.2.15';
/** A port for each direction: iperf3 needs a moment after each test. */
export const ports = { out: 5201, in: 5202, echo: 5203 } as const;

/** As QEMU gives it to the first card of a machine: without asking who has the address, a packet reaches it sooner. */
const cardOfMachine = '52:54:00:12:34:56';
const tap = 'tap0';

/** In the namespace of the bridge; the other one is that of pid 1. */
const script = `
mount --bind /dev "$1/dev"
mount --bind /proc "$1/proc"
ip link add bridge address 02:00:00:00:00:02 type bridge
ip link add outer type veth peer name inner netns 1
ip tuntap add ${tap} mode tap vnet_hdr
ip link set outer master bridge
ip link set ${tap} master bridge
ip address add ${outside}/24 dev bridge
for link in lo outer ${tap} bridge; do ip link set $link up; done
ip neighbour add ${machineAddress} lladdr ${cardOfMachine} dev bridge nud permanent
nsenter --net=/proc/1/ns/net sh -ec '
ip address add ${namespaceAddress}/24 dev inner
ip link set lo up
ip link set inner up'
chroot "$1" /usr/bin/iperf3 -s -p ${ports.out} > /dev/null &
chroot "$1" /usr/bin/iperf3 -s -p ${ports.in} > /dev/null &
chroot "$1" /bin/payload echo ${ports.echo} &
for port in ${Object.values(ports).join(' ')}; do chroot "$1" /bin/payload listening $port; done
echo ready
wait
`;

/** Seconds, for it to be ready. */
const patience = 30;

export class PrivateLink implements Outside, AsyncDisposable {
  readonly address = namespaceAddress;
  readonly #process;
  readonly #root: string;
  #namespace = '';
  #bridge = '';

  /** @param root with Debian's tools */
  private constructor(root: string) {
    this.#root = root;
    const [program = '', ...words] = [
      ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child', '--net'],
      ...['--mount-proc', '--propagation', 'private'],
      ...['sh', '-c', 'unshare --net sh -ec "$2" sh "$1" || exit $?', 'sh', root, script],
    ];
    // A session of its own: Ctrl-C is ours to hear.
    this.#process = execa(program, words, { detached: true, buffer: false, reject: false, stdin: 'ignore' });
  }

  /** @throws TareError with what could not be made */
  static async open(root: string): Promise<PrivateLink> {
    const absent = ['ip', 'unshare', 'nsenter', 'setpriv'].filter((name) => onPath(name) === undefined);
    if (absent.length > 0)
      throw new TareError(`make a network: there is no ${absent.join(', no ')}`, {
        hint: 'apt-get install iproute2 util-linux',
      });
    const link = new PrivateLink(root);
    try {
      await link.#ready();
      return link;
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    }
  }

  get namespace(): string {
    return this.#namespace;
  }

  get tap(): Outside['tap'] {
    return { name: tap, namespace: this.#bridge };
  }

  async run(command: readonly [string, ...string[]]): Promise<string> {
    const { failed, output, said } = await runCommand([...this.#outwards, ...command], patience * 4);
    if (failed) throw new TareError(`run ${command[0]}: ${said}`);
    return output;
  }

  async ask(address: string, port: number): Promise<{ readonly answered: Promise<bigint> }> {
    const [program, ...words] = [...this.#outwards, '/bin/payload', 'get', address, `${port}`] as const;
    const asking = execa(program, words, { reject: false });
    const answered = asking.then(({ stdout, stderr, failed }) => {
      if (failed) throw new TareError(`ask ${address}: ${stderr.trim()}`);
      return BigInt(stdout.split('\n')[1] ?? '');
    });
    answered.catch(() => undefined); // whoever waits for it is told
    await new Promise((resolve) => {
      asking.stdout.once('data', resolve);
      asking.stdout.once('close', resolve);
    });
    return { answered };
  }

  /** Words before a command that is run outside, in the root with the tools. */
  get #outwards(): [string, ...string[]] {
    return ['nsenter', `--net=${this.#bridge}`, 'chroot', this.#root];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#process;
  }

  async #ready(): Promise<void> {
    let said = '';
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
    const ready = new Promise<boolean>((resolve) => {
      createInterface(this.#process.stdout).on('line', (line) => resolve(line === 'ready'));
      void this.#process.then(() => resolve(false));
      setTimeout(() => resolve(false), patience * 1000).unref();
    });
    if (!(await ready)) throw new TareError(`make a network: ${said.trim().split('\n').at(-1) ?? ''}`);
    const inner = onlyChild(this.#process.pid ?? -1);
    this.#namespace = `/proc/${inner}/ns/net`;
    this.#bridge = `/proc/${onlyChild(inner)}/ns/net`;
  }
}

const onlyChild = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
