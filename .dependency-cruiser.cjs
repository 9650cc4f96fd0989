/** Layer boundaries: arrows go one way (see docs/architecture.md). A violation fails `npm run lint`. */
const lib = (name) => `^libs/${name}/`;
const features = ['typeorm', 'bullmq', 'limits', 'cache', 'storage', 'observability'];

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'libs-know-no-apps',
      comment: 'Libraries do not know the applications built on them.',
      severity: 'error',
      from: { path: '^libs/[^/]+/src' },
      to: { path: '^(apps|test|bench)/' },
    },
    {
      name: 'core-imports-only-nest',
      comment: 'core depends on Nest and Node alone, so that every other package can depend on core.',
      severity: 'error',
      from: { path: '^libs/core/src', pathNot: '\\.spec\\.ts$' },
      to: {
        pathNot: [
          '^libs/core/src',
          '^node_modules/@nestjs/(common|core|jwt)/',
          '^node_modules/(rxjs|reflect-metadata)/',
        ],
        dependencyTypesNot: ['core'],
      },
    },
    {
      name: 'context-and-errors-are-plain',
      comment: 'context/ and errors/ run without Nest.',
      severity: 'error',
      from: { path: '^libs/core/src/(context|errors)/', pathNot: ['decorator', 'middleware', 'spec'] },
      to: { path: '^node_modules/@nestjs/' },
    },
    ...features.map((feature) => ({
      name: `${feature}-knows-no-sibling`,
      comment: 'Feature packages meet only through the contracts of core.',
      severity: 'error',
      from: { path: `${lib(feature)}src` },
      to: { path: '^libs/', pathNot: [lib(feature), lib('core')] },
    })),
    {
      name: 'dev-servers-knows-nobody',
      severity: 'error',
      from: { path: `${lib('dev-servers')}src` },
      to: { path: '^libs/', pathNot: lib('dev-servers') },
    },
    {
      name: 'public-entries-only',
      comment: 'Applications, tests across packages and benches use what a package exports.',
      severity: 'error',
      from: { path: '^(apps|test|bench)/', pathNot: '^test/support/global-' },
      to: { path: '^libs/', pathNot: '^libs/[^/]+/(src|dist)/(testing/)?index\\.(ts|d\\.ts|js)$' },
    },
    {
      name: 'no-undeclared-dependency',
      severity: 'error',
      from: { path: '^(libs|apps)/[^/]+/src', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|/dist/' },
    exclude: { path: '/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    combinedDependencies: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
