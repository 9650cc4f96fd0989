import { CreateUsers1720000000000 } from '../auth/create-users.migration.js';
import { CreateCampaigns1720000000000 } from '../marketing/create-campaigns.migration.js';

/** Of the central schema; they run at start, after those of the registry. */
export const CENTRAL_MIGRATIONS = [CreateUsers1720000000000];

/** Of every tenant's schema; they run when a tenant is made. */
export const TENANT_MIGRATIONS = [CreateCampaigns1720000000000];
