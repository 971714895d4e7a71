/** What imitating hardware costs beside devices that were made for it, where one machine was weighed with both. */
import { randomFrom } from '../../random.ts';
import { compareApart } from '../../statistics.ts';
import type { QuestionName } from '../../types/question.ts';
import type { Series, Weighing } from '../../types/result.ts';
import { range } from '../figures.ts';
import type { Finding } from './finding.ts';
import { readable, times } from './readable.ts';

interface Device {
  readonly question: QuestionName;
  readonly variant: string;
  readonly measure: string;
  readonly title: string;
  /** Reads on from `3× more` or `3× less`, and before the names of both devices. */
  readonly claim: string;
}

const devices: readonly Device[] = [
  {
    question: 'network',
    variant: 'link',
    measure: 'out',
    title: 'A network card that knows it is virtual sends',
    claim: 'data a second',
  },
  {
    question: 'disk',
    variant: 'volume',
    measure: 'randread-32',
    title: 'A disk that knows it is virtual serves',
    claim: 'random reads a second, 32 under way',
  },
];

export const deviceFindings = (weighing: Weighing): Finding[] =>
  devices.flatMap((device) => findingOf(weighing, device) ?? []);

/** The same board, executed by the same: `q35-tcg` beside `q35-emulated-tcg`. */
function findingOf(weighing: Weighing, { question, variant, measure, title, claim }: Device): Finding | undefined {
  const entry = weighing.questions.find(({ name }) => name === question);
  const unit = entry?.measures.find(({ name }) => name === measure)?.unit;
  const series = entry?.series.filter((one) => one.variant === variant && one.values[measure] !== undefined) ?? [];
  const imitated = series.find(({ backend }) => backend.includes('-emulated'));
  const virtual = series.find(({ backend }) => backend === imitated?.backend.replace('-emulated', ''));
  if (imitated === undefined || virtual === undefined || unit === undefined) return undefined;
  const { ratio, low, high, verdict } = compareApart(
    virtual.values[measure] ?? [],
    imitated.values[measure] ?? [],
    randomFrom(weighing.settings.seed),
  );
  const said = (one: Series): string =>
    `${readable(one.summaries[measure]?.median ?? NaN, unit)} through ${one.through ?? one.backend}`;
  const both = `${said(virtual)} against ${said(imitated)}`;
  const because = ['The one puts requests into memory that both sides share; the other has every register imitated.'];
  if (verdict === 'same')
    return { title, figure: '=', claim: `no difference can be claimed between ${both}.`, because: [] };
  const [factor, least, most, word] =
    verdict === 'higher' ? [ratio, low, high, 'more'] : [1 / ratio, 1 / high, 1 / low, 'less'];
  return {
    title,
    figure: `${times(factor)} ${word}`,
    claim: `${claim}: ${both} (95 %: ${range(least, most)}×).`,
    because: verdict === 'higher' ? because : [],
  };
}
