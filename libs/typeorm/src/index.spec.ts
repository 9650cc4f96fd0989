import * as tenantry from './index.js';

it('exports what is supported, and nothing else', () => {
  expect(Object.keys(tenantry).toSorted()).toEqual([
    'BindingFailedError',
    'CreateTenantRegistry1700000000000',
    'LeaseReleasedError',
    'LoginNotConfinedError',
    'PostgresTenantStore',
    'SessionNeededError',
    'TenantDataSource',
    'TenantDataSourceFactory',
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
    'inspectLogin',
    'migrateCentral',
    'setUpDatabase',
  ]);
});
