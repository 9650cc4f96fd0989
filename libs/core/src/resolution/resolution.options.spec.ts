import { TenancyConfigurationError } from '../errors/configuration.error.js';
import { excludedPathTest, resolveResolutionOptions } from './resolution.options.js';
import { headerStrategy } from './strategies/header.js';
import { queryStrategy } from './strategies/query.js';

const strategies = [headerStrategy(), queryStrategy()];

describe('resolveResolutionOptions', () => {
  it('takes what is left out, or undefined, from the defaults', () => {
    const input = { strategies, excludePaths: undefined } as unknown as { strategies: typeof strategies };
    expect(resolveResolutionOptions(input)).toEqual({ strategies, excludePaths: [], trustedProxies: [] });
  });

  it('refuses to resolve from nothing', () => {
    expect(() => resolveResolutionOptions({ strategies: [] })).toThrow('names no strategy');
  });

  it('refuses two strategies of one name', () => {
    expect(() => resolveResolutionOptions({ strategies: [...strategies, headerStrategy()] })).toThrow(
      "two strategies named 'header'",
    );
  });

  it.each(['', 'docs', '/*', '*', '/docs*', '/docs/*/x', '/**', '/a/**'])('refuses to exclude %j', (path) => {
    expect(() => resolveResolutionOptions({ strategies, excludePaths: [path] })).toThrow(
      TenancyConfigurationError,
    );
  });
});

describe('excludedPathTest', () => {
  const isExcluded = excludedPathTest(['/health', '/docs/*', '/']);

  it.each(['/health', '/docs/', '/docs/a', '/docs/a/b', '/'])('excludes %j', (path) => {
    expect(isExcluded(path)).toBe(true);
  });

  it.each([
    '/docs',
    '/docsx',
    '/health/',
    '/healthx',
    '/health/x',
    '/Health',
    '/%68ealth',
    '/x/docs/a',
    '//docs/a',
    '',
  ])('does not exclude %j', (path) => {
    expect(isExcluded(path)).toBe(false);
  });
});
