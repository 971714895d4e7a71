/**
 * Puts a launch on record, so that the same command line is started next time without Node: by tare-replay.
 *
 * Only a launch that follows from the command line, the image and this host alone can be; and what of them may change is
 * noted beside it, to be looked at each time. The records are trusted as the seccomp filters are: they lie in a directory
 * of root's that nobody else may write. They last until the next boot.
 */
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import type { CgroupHost } from '../cgroup/hierarchy.ts';
import type { Image } from '../image/image.ts';
import { encodeRecord, type Guard, type RecordKey, recordKey, type Sight } from '../launch/record.ts';
import { asksForExec } from '../launch/tare-init.ts';
import { fnv1a } from '../linux/hash.ts';
import { builtFile } from '../linux/native.ts';
import type { RunRequest } from '../spec/request.ts';
import type { Engine } from './engine.ts';
import { world } from './owner.ts';
import { prepare } from './prepare.ts';
import type { Prepared } from './prepared.ts';

/** `RECORD_DIRECTORY` of native/record.h. */
const directory = '/run/tare/starts';

/** So many records are kept; then it begins anew. */
const most = 256;

export interface Recordable {
  readonly key: Omit<RecordKey, 'replay'>;
  readonly request: RunRequest;
  readonly interactive: boolean;
}

/** Notes how a container of this request is started. Says whether it did; a full or read-only disk costs nothing else. */
export async function record(engine: Engine, recordable: Recordable): Promise<boolean> {
  const { request, interactive } = recordable;
  if (engine.host.rootless || request.upper !== undefined) return false;
  const prepared = await prepare(engine, request, { payloadFds: 3, waitForStart: false, dieWithParent: true });
  const key = { ...recordable.key, replay: realpathSync(builtFile('tare-replay')) };
  const { encoded, launch, spec, id, cgroup } = prepared;
  // Bytes are kept of what can be started again as it is.
  if (encoded === undefined || !canReplay(prepared, key, request)) return false;
  const counted = engine.cgroups.grantable.includes('memory');
  const bytes = encodeRecord({
    key,
    guards: guards(prepared.image, engine.cgroups),
    arch: engine.host.arch,
    id,
    world: world(),
    tareInit: readFileSync(builtFile('tare-init')),
    execFlag: asksForExec(engine.host),
    cgroup,
    cloneFlags: launch.cloneFlags,
    program: launch.program,
    encoded,
    interactive,
    oom: counted ? `tare: container ${spec.hostname}: the OOM killer ended a process: memory ran out\n` : undefined,
  });
  return write(recordKey(key), bytes);
}

/** Nothing on the way that needs us, and no command but the one on the command line. */
function canReplay(
  { image, launch, idMapped, spec }: Prepared,
  { command }: RecordKey,
  { args = [] }: RunRequest,
): boolean {
  const { ops, child, successor } = launch.program;
  const alone = child === undefined && successor === undefined && ops.every(({ stop }) => stop === undefined);
  const given = command === 'image' || JSON.stringify(spec.process.args) === JSON.stringify(args);
  const links = layersOf(image).some((layer) => decisive.some((path) => isLink(`${layer}${path}`)));
  return alone && given && !links && !launch.maps && idMapped.length === 0;
}

/** Who we are: what of /proc/self/status a launch depends on. */
const identity = /^(Uid|Gid|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):.*\n/gm;

const worlds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];

/** What of an image decides how its containers start; links in place of it may lead where changes go unseen. */
const decisive = ['', '/etc', '/etc/passwd', '/etc/group'];

const layersOf = ({ root }: Image): readonly string[] => (root.kind === 'overlay' ? root.lower : [root.path]);

const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;

/** A file's content as it is. */
export const text = (path: string): Guard => ({ kind: 'text', path, expected: readFileSync(path, 'utf8') });

/** A file as it is. */
export const seen = (path: string): Guard => ({ kind: 'file', path, expected: see(path) });

/** Who we are and where; our own group matters only to whoever may not divide the whole tree. */
export function hostGuards({ mount, delegated }: CgroupHost): Guard[] {
  const status = readFileSync('/proc/self/status', 'utf8').match(identity) ?? [];
  return [
    { kind: 'lines', path: '/proc/self/status', expected: status.join('') },
    ...worlds.map((name): Guard => {
      const path = `/proc/self/ns/${name}`;
      return { kind: 'link', path, expected: readlinkSync(path) };
    }),
    text('/proc/sys/kernel/random/boot_id'),
    ...(mount !== undefined && delegated === mount ? [] : [text('/proc/self/cgroup')]),
    seen(builtFile('tare-init')),
  ];
}

function guards(image: Image, cgroups: CgroupHost): Guard[] {
  return [
    ...hostGuards(cgroups),
    text('/proc/sys/kernel/hostname'),
    seen(builtFile('cli.cjs')),
    ...layersOf(image).flatMap((layer) => [...decisive, '/../config.json'].map((path) => seen(`${layer}${path}`))),
  ];
}

function see(path: string): Sight | undefined {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const { dev, ino, mode, ctimeNs: changed } = found;
  return { dev, ino, mode, changed };
}

/** Whoever reads sees the whole file or none. */
function write(key: Buffer, bytes: Buffer): boolean {
  const path = `${directory}/${key.length}-${fnv1a(key).toString(16).padStart(8, '0')}`;
  const draft = `${path}.${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(directory);
    if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) return false;
    const names = readdirSync(directory);
    if (names.length >= most) for (const name of names) unlinkSync(`${directory}/${name}`);
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
    const fd = openSync(draft, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
    try {
      writeFileSync(fd, bytes);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, path);
    return true;
  } catch {
    return false;
  }
}
