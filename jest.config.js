const swc = (parser) => [
  '@swc/jest',
  {
    swcrc: false,
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      parser,
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      keepClassNames: true,
    },
  },
];

/** Packages that ship ES modules only; Jest runs CommonJS, so they are compiled as well. */
const esmOnly = ['@nestjs'];

const base = {
  testEnvironment: 'node',
  transform: {
    '\\.ts$': swc({ syntax: 'typescript', decorators: true }),
    '/node_modules/.+\\.js$': swc({ syntax: 'ecmascript' }),
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  moduleNameMapper: {
    '^(\\.{1,2}/.+)\\.js$': '$1',
    '^@tenantry/([^/]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^@tenantry/([^/]+)/testing$': '<rootDir>/libs/$1/src/testing/index.ts',
  },
};

const SERVICES = ['<rootDir>/{libs,apps}/*/test/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'];
const INSTALLED = '\\.installed\\.spec\\.ts$';

/** Everything that needs PostgreSQL; one server is started for all workers (see test/support). */
const withServices = {
  ...base,
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
};

export default {
  testTimeout: 30_000,
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/{libs,apps}/*/src/**/*.spec.ts'] },
    {
      ...withServices,
      displayName: 'services',
      testMatch: SERVICES,
      testPathIgnorePatterns: ['/node_modules/', INSTALLED],
    },
    // What needs a program that npm cannot bring (PgBouncer); `npm run test:installed`, and always in CI.
    {
      ...withServices,
      displayName: 'installed',
      testMatch: SERVICES,
      testPathIgnorePatterns: ['/node_modules/', `^(?!.*${INSTALLED})`],
    },
  ],
};
