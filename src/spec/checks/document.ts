import { problem } from '../problem.ts';
import { check } from './check.ts';

const semver = /^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

export const documentChecks = [
  check(
    'the version is 1.x: the spec promises that all of them agree ("Specification version")',
    '/ociVersion',
    function* ({ ociVersion }) {
      if (ociVersion === undefined) return;
      const [, majorVersion] = semver.exec(ociVersion) ?? [];
      if (majorVersion === undefined) {
        yield problem('/ociVersion', `must be a version such as 1.3.0, not '${ociVersion}'`);
      } else if (majorVersion !== '1') {
        yield problem('/ociVersion', `must be 1.x, not ${ociVersion}: write the spec anew for 1.3.0`);
      }
    },
  ),
];
