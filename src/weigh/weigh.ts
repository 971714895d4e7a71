/** A weighing from its beginning to its end. */
import { setMaxListeners } from 'node:events';
import { Engine } from '../container/engine.ts';
import { backends as registry } from './backends.ts';
import { type Answered, questionEntry } from './entries.ts';
import { memory, takeFingerprint } from './fingerprint.ts';
import { weighHarness } from './harness.ts';
import { refusal, way } from './offers.ts';
import { isRoot } from './probe-program.ts';
import { randomFrom } from './random.ts';
import { Journal } from './runner/journal.ts';
import { type Contender, takeRounds } from './runner/rounds.ts';
import { Workspace } from './runner/workspace.ts';
import { takeStock } from './stock.ts';
import { surround } from './surroundings.ts';
import type { Backend, Job } from './types/backend.ts';
import type { Part, Progress } from './types/progress.ts';
import {
  type BackendEntry,
  format,
  type Settings,
  type Span,
  type Timeline,
  version,
  type Weighing,
} from './types/result.ts';
import type { Circumstances, Stock, Trial, Workload } from './types/workload.ts';

export interface Order {
  readonly backends: readonly Backend[];
  readonly workloads: readonly Workload[];
  readonly settings: Settings;
  /** Of tare. */
  readonly tare: string;
  /** Where raw samples are kept as they are taken. */
  readonly journal: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

export interface Weighed {
  readonly weighing: Weighing;
  /** Why raw samples could not be kept: an errno. */
  readonly journalFailure: string | undefined;
}

/** @throws TareError where another weighing runs, or the image is none. What a backend does wrong is in the result. */
export async function weigh(order: Order): Promise<Weighed> {
  const begun = new Date();
  const engine = new Engine();
  const { settings, tare, signal } = order;
  setMaxListeners(0, signal); // each container of the library listens
  const stock = takeStock(engine, settings);
  using workspace = await Workspace.open({ engine, tare, signal }, registry);
  const machine = takeFingerprint();
  using journal = new Journal(order.journal, { format: 'tare-samples', version, begun, tare, settings, machine });
  const run = new WeighingRun(order, stock, workspace, journal, begun);
  const harness = await run.harness();
  const backends = await run.probe();
  const questions = await run.ask();
  const timelines = await run.follow();
  const seconds = (Date.now() - begun.getTime()) / 1000;
  const weighing: Weighing = {
    format,
    version,
    tare,
    begun: begun.toISOString(),
    seconds,
    outcome: run.outcome,
    settings,
    machine,
    harness,
    reference: run.reference,
    backends,
    questions,
    timelines,
  };
  return { weighing, journalFailure: journal.failure };
}

class WeighingRun {
  readonly #order: Order;
  readonly #stock: Stock;
  readonly #workspace: Workspace;
  readonly #journal: Journal;
  readonly #begun: Date;
  readonly #random;
  readonly #contenders: Ready[] = [];
  #failed = false;

  constructor(order: Order, stock: Stock, workspace: Workspace, journal: Journal, begun: Date) {
    this.#order = order;
    this.#stock = stock;
    this.#workspace = workspace;
    this.#journal = journal;
    this.#begun = begun;
    this.#random = randomFrom(order.settings.seed);
  }

  get outcome(): Weighing['outcome'] {
    if (this.#order.signal.aborted) return 'interrupted';
    return this.#failed ? 'incomplete' : 'complete';
  }

  get reference(): string {
    const names = this.#contenders.map(({ name }) => name);
    return names.find((name) => name === 'process') ?? names[0] ?? '';
  }

  async harness(): Promise<Weighing['harness']> {
    this.#say('harness', 'an empty program, a hundred times');
    try {
      return await weighHarness(this.#stock, this.#random, this.#order.signal);
    } catch (error) {
      if (this.#order.signal.aborted) return [];
      throw error;
    }
  }

  /** A backend is ready where it has run the payload once. */
  async probe(): Promise<BackendEntry[]> {
    const entries: BackendEntry[] = [];
    for (const { name, backend } of named(this.#order.backends)) {
      this.#say('probe', name);
      entries.push(await this.#probeOne(name, backend));
    }
    return entries;
  }

  async #probeOne(name: string, backend: Backend): Promise<BackendEntry> {
    const { title, family, traits } = backend;
    const again = name === backend.name ? '' : ', again';
    const entry = { name, title: `${title}${again}`, family, traits };
    const site = this.#workspace.site(name);
    const found = await backend.probe(site);
    if ('missing' in found) return { ...entry, missing: found.missing };
    const { root, payload } = this.#stock;
    const ready = { ...entry, ...found, title: `${found.title ?? title}${again}` };
    try {
      await using peer = await backend.open({ root, payload, network: 'own' }, site);
      await peer.run(1);
    } catch (error) {
      if (this.#order.signal.aborted) return { ...entry, missing: { reason: 'interrupted' } };
      this.#failed = true;
      return { ...ready, missing: { reason: (error as Error).message } };
    }
    const { follow } = backend;
    this.#contenders.push({
      name,
      open: async (job) => backend.open(job, site),
      refuses: (job) => refusal(backend, job),
      passes: (job) => way(backend, job),
      ...(follow === undefined ? {} : { follow: async (job) => follow(job, site) }),
    });
    return ready;
  }

  async ask(): Promise<Weighing['questions']> {
    const { workloads, settings, signal } = this.#order;
    const circumstances: Circumstances = { ...settings, root: isRoot(), availableMemory: memory('MemAvailable') };
    const plan = workloads.map((workload) => ({
      workload,
      trials: workload.trials(circumstances).map((trial) => this.#paced(trial)),
    }));
    const budget = plan.flatMap(({ trials }) => trials).reduce((sum, { pace }) => sum + pace.budget, 0);
    const begun = performance.now();
    let spent = 0;
    const answers = new Map<Workload, Answered[]>(workloads.map((workload) => [workload, []]));
    for (const { workload, trials } of plan) {
      for (const trial of trials) {
        if (signal.aborted || this.#contenders.length === 0) break;
        const outcomes = await this.#take(workload, trial, (done) => {
          const passed = spent + done * trial.pace.budget;
          this.#sayLeft(workload.question, trial.title, passed / budget, { begun, budget });
        });
        spent += trial.pace.budget;
        answers.get(workload)?.push({ trial, outcomes });
      }
    }
    return [...answers].map(([workload, answered]) => questionEntry(workload, answered, this.reference, this.#random));
  }

  async #take(workload: Workload, trial: Trial, progress: (done: number) => void): Promise<Answered['outcomes']> {
    const { question } = workload;
    await using surroundings = await surround(this.#stock, trial.needs, this.#workspace.disk);
    const { stock, lack } = surroundings;
    const contenders =
      lack === undefined ? this.#contenders : this.#contenders.map((one) => ({ ...one, refuses: () => lack }));
    const outcomes = await takeRounds(trial, stock, contenders, {
      random: this.#random,
      signal: this.#order.signal,
      progress,
      keep: (backend, round, turn, values) => {
        const at = Date.now() - this.#begun.getTime();
        this.#journal.add({ question, variant: trial.name, backend, round, turn, at, values });
      },
    });
    this.#failed ||= [...outcomes.values()].some(({ failure }) => failure !== undefined);
    return outcomes;
  }

  /** Of backends that were asked for a start: a picture of one. */
  async follow(): Promise<Timeline[]> {
    const { workloads, signal } = this.#order;
    const timelines: Timeline[] = [];
    if (!workloads.some(({ question }) => question === 'start')) return timelines;
    const { root, payload } = this.#stock;
    for (const { name, follow } of this.#contenders) {
      if (signal.aborted || follow === undefined) continue;
      this.#say('follow', name);
      try {
        timelines.push({ backend: name, spans: await follow({ root, payload, network: 'own' }) });
      } catch (error) {
        if (this.#order.signal.aborted) break;
        this.#failed = true;
        timelines.push({ backend: name, failure: (error as Error).message, spans: [] });
      }
    }
    return timelines;
  }

  /** `--runs` takes the place of interval and budget. */
  #paced(trial: Trial): Trial {
    const { runs } = this.#order.settings;
    if (runs === undefined) return trial;
    return { ...trial, pace: { ...trial.pace, least: runs, most: runs, budget: Math.max(3600, trial.pace.budget) } };
  }

  #sayLeft(part: Part, doing: string, done: number, { begun, budget }: { begun: number; budget: number }): void {
    const passed = (performance.now() - begun) / 1000;
    const inRounds = this.#order.settings.runs !== undefined;
    const left = inRounds
      ? ({ seconds: (passed * (1 - done)) / Math.max(done, 0.01), as: 'about' } as const)
      : ({ seconds: budget * (1 - done), as: 'at most' } as const);
    this.#order.onProgress({ part, doing, done, left });
  }

  #say(part: Part, doing: string): void {
    this.#order.onProgress({ part, doing, done: 0 });
  }
}

interface Ready extends Contender {
  readonly follow?: (job: Job) => Promise<readonly Span[]>;
}

/** The same backend twice is measured against itself: `crun`, `crun#2`. */
function named(backends: readonly Backend[]): { name: string; backend: Backend }[] {
  return backends.map((backend, index) => {
    const before = backends.slice(0, index).filter(({ name }) => name === backend.name).length;
    return { name: before === 0 ? backend.name : `${backend.name}#${before + 1}`, backend };
  });
}
