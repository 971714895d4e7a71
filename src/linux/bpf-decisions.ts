/**
 * Decisions over 32-bit words of a packet, and their classic BPF (linux/filter.h).
 *
 * A test leads to two decisions, a verdict to none. Equal parts of a graph are one part, and a program stays short: the
 * kernel checks and compiles it anew at each start of a container, at 0.25 µs for an instruction.
 */
import { Buffer } from 'node:buffer';

/** 32 bits of the packet, masked. */
export interface Word {
  readonly offset: number;
  readonly mask: number;
}

/** A mask that leaves all bits. */
export const whole = 0xffffffff;

interface Verdict {
  readonly id: number;
  readonly asks: 0;
  readonly action: number;
}

interface Test {
  readonly id: number;
  /** A bit for each offset that this test or one behind it asks for. */
  readonly asks: number;
  readonly word: Word;
  readonly jump: Jump;
  readonly k: number;
  readonly yes: Decision;
  readonly no: Decision;
}

export type Decision = Verdict | Test;
type Jump = keyof typeof jumps;

/** Makes decisions; two that are equal are one. */
export class DecisionGraph {
  readonly #known = new Map<string, Decision>();

  verdict(action: number): Decision {
    return this.#once(`${action}`, (id) => ({ id, asks: 0, action }));
  }

  test(word: Word, jump: Jump, k: number, yes: Decision, no: Decision): Decision {
    if (yes === no) return yes;
    const key = [word.offset, word.mask, jump, k, yes.id, no.id].join();
    const asks = bit(word) | yes.asks | no.asks;
    return this.#once(key, (id) => ({ id, asks, word, jump, k, yes, no }));
  }

  /** A test whose branches are spared what it has found out, such as the upper half that each comparison asks for. */
  decide(word: Word, jump: Jump, k: number, yes: Decision, no: Decision): Decision {
    const learn = (decision: Decision, holds: boolean): Decision =>
      this.#given({ word, jump, k, holds }, decision, new Map());
    return this.test(word, jump, k, learn(yes, true), learn(no, false));
  }

  #given(fact: Fact, decision: Decision, done: Map<Decision, Decision>): Decision {
    if ('action' in decision || (decision.asks & bit(fact.word)) === 0) return decision;
    const known = done.get(decision);
    if (known !== undefined) return known;
    const { word, jump, k, yes, no } = decision;
    const settled = settle(fact, decision);
    const left =
      settled === undefined
        ? this.test(word, jump, k, this.#given(fact, yes, done), this.#given(fact, no, done))
        : this.#given(fact, settled ? yes : no, done);
    done.set(decision, left);
    return left;
  }

  #once(key: string, make: (id: number) => Decision): Decision {
    const known = this.#known.get(key) ?? make(this.#known.size);
    this.#known.set(key, known);
    return known;
  }
}

interface Fact {
  readonly word: Word;
  readonly jump: Jump;
  readonly k: number;
  readonly holds: boolean;
}

const bit = (word: Word): number => 1 << (word.offset / 4);
const sameWord = (a: Word, b: Word): boolean => a.offset === b.offset && a.mask === b.mask;

/** How a test must end after another, if that says. */
function settle(fact: Fact, { word, jump, k }: Test): boolean | undefined {
  if (!sameWord(fact.word, word)) return undefined;
  if (fact.jump === jump && fact.k === k) return fact.holds;
  if (fact.jump !== 'eq' || !fact.holds) return undefined;
  return jump === 'eq' ? false : jump === 'gt' ? fact.k > k : fact.k >= k;
}

const LOAD = 0x20;
const AND = 0x54;
const RETURN = 0x06;
const GOTO = 0x05;
const jumps = { eq: 0x15, gt: 0x25, ge: 0x35 } as const;

/** A conditional jump skips 255 instructions at most; one is kept for the detour of a test's other branch. */
const reach = 254;

/**
 * The program of a graph, as `struct sock_filter[]`.
 *
 * Jumps lead forwards only, so it is written from its end: whatever a test leads to is there before it. Whoever comes
 * from a test of the same word skips the load.
 *
 *     load word ; and mask ; jump ─ yes ─┐ no ─┐
 *     … nearer decisions …         ◄─────┘     │
 *     … farther ones …                  ◄──────┘
 */
export function emitDecisions(root: Decision): Buffer {
  const reversed: Buffer[] = [];
  const begins = new Map<Decision, number>();
  const loaded = new Map<Decision, number>();
  const { all, unprepared } = survey(root);

  const write = (code: number, k: number, yes = 0, no = 0): number => reversed.push(instruction(code, yes, no, k)) - 1;
  const distance = (place: number): number => reversed.length - place - 1;

  /** The place of a decision within reach: a verdict that is far is repeated, a test gets a detour. */
  const approach = (decision: Decision, from: Word): number => {
    const places = isPrepared(decision, from) ? loaded : begins;
    const place = places.get(decision);
    if (place === undefined) throw new RangeError('a decision that leads to one not yet written');
    if (distance(place) < reach) return place;
    const near = 'action' in decision ? write(RETURN, decision.action) : write(GOTO, distance(place));
    places.set(decision, near);
    return near;
  };

  for (const decision of all) {
    if ('action' in decision) {
      begins.set(decision, write(RETURN, decision.action));
      continue;
    }
    const { word, jump, k, yes, no } = decision;
    const [toYes, toNo] = [approach(yes, word), approach(no, word)];
    loaded.set(decision, write(jumps[jump], k, distance(toYes), distance(toNo)));
    if (!unprepared.has(decision)) continue;
    if (word.mask !== whole) write(AND, word.mask);
    begins.set(decision, write(LOAD, word.offset));
  }
  return Buffer.concat(reversed.reverse());
}

const isPrepared = (decision: Decision, from: Word): boolean => 'word' in decision && sameWord(decision.word, from);

/** All decisions, each after those it leads to, and the tests that somebody reaches without their word. */
function survey(root: Decision): { all: Set<Decision>; unprepared: Set<Decision> } {
  const all = new Set<Decision>();
  const unprepared = new Set([root]);
  const visit = (decision: Decision): void => {
    if (all.has(decision)) return;
    if ('word' in decision) {
      for (const next of [decision.yes, decision.no]) {
        if (!isPrepared(next, decision.word)) unprepared.add(next);
        visit(next);
      }
    }
    all.add(decision);
  };
  visit(root);
  return { all, unprepared };
}

/** `struct sock_filter`. */
function instruction(code: number, yes: number, no: number, k: number): Buffer {
  const packed = Buffer.alloc(8);
  packed.writeUInt16LE(code, 0);
  packed.writeUInt8(yes, 2);
  packed.writeUInt8(no, 3);
  packed.writeUInt32LE(k, 4);
  return packed;
}
