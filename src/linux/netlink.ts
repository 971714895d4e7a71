/** Messages of rtnetlink(7), and network devices as the kernel tells of them. Pure. */

export const RTM = { ERROR: 2, DONE: 3, NEWLINK: 16, GETLINK: 18, NEWADDR: 20, GETADDR: 22 } as const;
export const NLM_F = { REQUEST: 1, EXCL: 0x200, CREATE: 0x400, DUMP: 0x300 } as const;
export const IFLA = { IFNAME: 3, NET_NS_FD: 28 } as const;
const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4, FLAGS: 8, RT_PRIORITY: 9 } as const;

/** Sizes of `struct nlmsghdr`, `ifinfomsg`, `ifaddrmsg` and `nlattr`, in bytes. */
const sizes = { header: 16, link: 16, address: 8, attribute: 4 } as const;

/** netdevice(7). */
export const IFF_UP = 1;
const IFA_F_PERMANENT = 0x80;
/** NODAD, HOMEADDRESS, MANAGETEMPADDR, NOPREFIXROUTE, MCAUTOJOIN: what whoever gives an address may ask for. */
const wishes = 0x2 | 0x10 | 0x100 | 0x200 | 0x400;

/** An address as it is to be given again: what goes into RTM_NEWADDR. */
export interface NetAddress {
  /** `10.0.0.2/24` */
  readonly text: string;
  readonly family: number;
  readonly prefix: number;
  readonly attributes: Uint8Array;
}

/** A network device of the namespace that the socket is in. */
export interface NetDevice {
  readonly name: string;
  readonly index: number;
  readonly up: boolean;
  /** Those that stay (IFA_F_PERMANENT) and are for everybody (RT_SCOPE_UNIVERSE). */
  readonly addresses: readonly NetAddress[];
}

/** `struct nlattr`, padded to four bytes. */
export function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(sizes.attribute + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16LE(sizes.attribute + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, sizes.attribute);
  return bytes;
}

/** `struct nlmsghdr`. @param length of what follows, in bytes */
export function header(type: number, flags: number, length: number): Buffer {
  const bytes = Buffer.alloc(sizes.header);
  bytes.writeUInt32LE(sizes.header + length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(NLM_F.REQUEST | flags, 6);
  return bytes;
}

export const nameAttribute = (name: string): Buffer => attribute(IFLA.IFNAME, Buffer.from(`${name}\0`));

export interface Message {
  readonly type: number;
  readonly body: Buffer;
}

/** What asks for the device of a name. */
export function linkQuestion(name: string): Buffer {
  const wanted = nameAttribute(name);
  return Buffer.concat([header(RTM.GETLINK, 0, sizes.link + wanted.length), Buffer.alloc(sizes.link), wanted]);
}

/** What asks for all addresses of all devices. */
export const addressQuestion = (): Buffer =>
  Buffer.concat([header(RTM.GETADDR, NLM_F.DUMP, sizes.address), Buffer.alloc(sizes.address)]);

/** From the answers to both questions; `undefined` where there is no such device. */
export function deviceOf(
  name: string,
  links: readonly Message[],
  all: () => readonly Message[],
): NetDevice | undefined {
  const found = links.find(({ type }) => type === RTM.NEWLINK)?.body;
  if (found === undefined) return undefined;
  const index = found.readInt32LE(4);
  const addresses = all().flatMap(({ type, body }) => (type === RTM.NEWADDR ? addressOf(body, index) : []));
  return { name, index, up: (found.readUInt32LE(8) & IFF_UP) !== 0, addresses };
}

/** Copies: what they were read into is read into again. */
export function messages(bytes: Buffer): Message[] {
  const found: Message[] = [];
  for (let at = 0; at + sizes.header <= bytes.length;) {
    const length = bytes.readUInt32LE(at);
    found.push({ type: bytes.readUInt16LE(at + 4), body: Buffer.from(bytes.subarray(at + sizes.header, at + length)) });
    at += Math.max(sizes.header, aligned(length));
  }
  return found;
}

const aligned = (length: number): number => Math.ceil(length / 4) * 4;

function attributesOf(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + sizes.attribute <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    found.set(bytes.readUInt16LE(at + 2), bytes.subarray(at + sizes.attribute, at + length));
    at += Math.max(sizes.attribute, aligned(length));
  }
  return found;
}

/** `struct ifaddrmsg` and its attributes. Of one with an end of its own, IFA_ADDRESS is the other's. */
function addressOf(body: Buffer, device: number): NetAddress[] {
  const [family = 0, prefix = 0, low = 0, scope = 0] = body;
  const given = attributesOf(body.subarray(sizes.address));
  const flags = given.get(IFA.FLAGS)?.readUInt32LE(0) ?? low;
  const address = given.get(IFA.LOCAL) ?? given.get(IFA.ADDRESS);
  if (body.readUInt32LE(4) !== device || scope !== 0 || (flags & IFA_F_PERMANENT) === 0 || address === undefined)
    return [];
  const kept = [IFA.ADDRESS, IFA.LOCAL, IFA.BROADCAST, IFA.RT_PRIORITY].flatMap((type) => {
    const value = given.get(type);
    return value === undefined ? [] : [attribute(type, value)];
  });
  const wished = Buffer.alloc(4);
  wished.writeUInt32LE(flags & wishes);
  const attributes = Buffer.concat([...kept, attribute(IFA.FLAGS, wished)]);
  return [{ text: `${textOf(address)}/${prefix}`, family, prefix, attributes }];
}

function textOf(address: Buffer): string {
  if (address.length === 4) return address.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => address.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
