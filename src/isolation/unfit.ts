/** Which parts of a request make no sense behind which wall, and what to do instead. Pure. */
import { type Problem, SpecError } from '../spec/problem.ts';
import type { RunRequest } from '../spec/request.ts';

type Field = keyof RunRequest;
type Unfit = Partial<Readonly<Record<Field, string>>>;

const own = "it is a container's";

/** A process sees the host as it is, but for its root and its mounts. */
const ofProcess: Unfit = {
  hostname: "a process has the host's",
  domainname: "a process has the host's",
  namespaces: "a process is in the host's",
  uidMappings: own,
  gidMappings: own,
  timeOffsets: own,
  sysctl: "it would change the host's",
  capAdd: 'a process has all that its user has',
  capDrop: own,
  privileged: 'a process always is',
  seccomp: own,
  systemPaths: own,
  init: 'the processes of the host have a pid 1',
};

/** A guest has a kernel of its own: what walls a container off from its host's has no use there. */
const ofVm: Unfit = {
  uidMappings: 'a guest has ids of its own',
  gidMappings: 'a guest has ids of its own',
  timeOffsets: 'a guest has clocks of its own',
  devices: 'those of the host do not reach a guest',
  upper: 'it is a directory of the host, and a guest throws away what it writes',
  seccomp: "it guards the host's kernel, which a guest does not reach",
  apparmor: "it guards the host's kernel, which a guest does not reach",
  selinux: "it guards the host's kernel, which a guest does not reach",
  init: 'a guest has a pid 1 that reaps',
};

const limitsOfVm = new Set(['memory', 'cpus']);

/** What is wrong with the request for this kind, a line each. */
export function unfit(kind: 'process' | 'vm', request: RunRequest): Problem[] {
  const table = kind === 'process' ? ofProcess : ofVm;
  const fields = Object.entries(table).flatMap(([field, why]) =>
    request[field as Field] === undefined ? [] : [{ pointer: `/${field}`, must: `be left out: ${why}` }],
  );
  return kind === 'process' ? fields : [...fields, ...unfitLimits(request), ...unfitNamespaces(request)];
}

const unfitLimits = ({ limits = {} }: RunRequest): Problem[] =>
  Object.entries(limits)
    .filter(([name, value]) => value !== undefined && !limitsOfVm.has(name))
    .map(([name]) => ({
      pointer: `/limits/${name}`,
      must: 'be left out: a guest is limited by its memory and its CPUs',
    }));

const unfitNamespaces = ({ namespaces = {} }: RunRequest): Problem[] =>
  Object.keys(namespaces).map((kind) => ({
    pointer: `/namespaces/${kind}`,
    must: `be left out: a guest shares none with the host${kind === 'network' ? '; vm.network is none or user' : ''}`,
  }));

/** @throws SpecError that names all fields which make no sense */
export function refuseUnfit(kind: 'process' | 'vm', request: RunRequest): void {
  const problems = unfit(kind, request);
  const what = kind === 'vm' ? 'a virtual machine' : 'a process';
  if (problems.length > 0) throw new SpecError(`check the request for ${what}`, problems);
}
