export { createApplication, type ApplicationOptions } from './application.js';
export { readPlatformConfig, type HttpAdapterName, type PlatformConfig } from './config/platform-config.js';
export { ConfigurationError } from './config/configuration.error.js';
export { hashPassword } from './auth/passwords.js';
export { DemoSeed } from './seed/demo-seed.js';
export { prepareExternalDatabase } from './database/external-database.js';
