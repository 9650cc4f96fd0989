import { TenantScope } from './tenant-context.js';

const scopes = new WeakMap<object, TenantScope>();

/**
 * The scope of a request, the same one for whoever asks with the same request object: transports run the
 * handler in it, the guard fills it.
 *
 * @param request Node's own request, not an adapter's wrapper of it
 */
export function requestScope(request: object): TenantScope {
  let scope = scopes.get(request);
  if (!scope) scopes.set(request, (scope = new TenantScope()));
  return scope;
}
