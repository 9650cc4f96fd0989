import * as tenantry from './index.js';

it('exports what is supported, and nothing else', () => {
  expect(Object.keys(tenantry).toSorted()).toEqual([
    'BindingFailedError',
    'CreateTenantRegistry1700000000000',
    'IsolationBrokenError',
    'LeaseReleasedError',
    'PostgresTenantStore',
    'SessionNeededError',
    'TenantDataSource',
    'TenantDataSourceFactory',
    'TenantOwned',
    'TenantPool',
    'TenantPoolExhaustedError',
    'TenantProvisioner',
    'TenantRoleForeignError',
    'TenantRoleUnusableError',
    'TenantSchemaForeignError',
    'TenantSchemaMissingError',
    'TenantShareExhaustedError',
    'TenantryTypeOrmModule',
    'TransactionRolledBackError',
    'UnboundSubmittableError',
    'createBinding',
    'guardTable',
    'inspectIsolation',
    'inspectLogin',
    'migrateCentral',
    'setUpDatabase',
    'unguardTable',
  ]);
});
