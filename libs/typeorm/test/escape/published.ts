import type { IsolationLevel } from '../../src/datasource/tenant-data-source.options.js';
import { ATTACK_GROUPS, ATTACKS, type Attack, type AttackGroup, type Verdict } from './attacks.js';

const WORDS: Readonly<Record<Verdict, string>> = {
  LEAK: '✘ reads it',
  WORKS: '✘ works',
  nothing: '✔ shows nothing',
  'n/a': '–',
  '42501': '✔ permission denied',
  '42601': '✔ one statement only',
  '42P01': '✔ no such table',
  '25001': '✔ not in a transaction',
  TENANT_ROLE_UNUSABLE: '✔ next statement refused',
};

const LEVELS: readonly IsolationLevel[] = ['path', 'role'];

/** The tables of docs/security.md, as Markdown without padding. */
export function publishedTables(): readonly string[] {
  return [
    `${ATTACKS.length} payloads, ${LEVELS.map((level) => `${tried(ATTACKS, level).length} at level \`${level}\``).join(' and ')}.`,
    '| stopped, of those that apply | `path` | `role` |',
    '| --- | --- | --- |',
    ...ATTACK_GROUPS.map(
      ({ title, attacks }) => `| ${title} | ${LEVELS.map((level) => score(attacks, level)).join(' | ')} |`,
    ),
    ...ATTACK_GROUPS.flatMap(tableOf),
  ];
}

function tableOf({ title, attacks }: AttackGroup): readonly string[] {
  const head = [`| **${title}** | \`path\` | \`role\` |`, '| --- | --- | --- |'];
  return head.concat(
    attacks.map(
      ({ name, verdicts }) => `| ${name} | ${LEVELS.map((level) => WORDS[verdicts[level]]).join(' | ')} |`,
    ),
  );
}

function tried(attacks: readonly Attack[], level: IsolationLevel): readonly Attack[] {
  return attacks.filter(({ verdicts }) => verdicts[level] !== 'n/a');
}

function score(attacks: readonly Attack[], level: IsolationLevel): string {
  const applying = tried(attacks, level);
  const stopped = applying.filter(({ verdicts }) => !['LEAK', 'WORKS'].includes(verdicts[level]));
  return `${stopped.length} of ${applying.length}`;
}
