import { createParamDecorator, type ExecutionContext } from '@nestjs/common';

/** Who calls, as far as the verified token tells. */
export interface Principal {
  /** The token's `sub`. */
  readonly userId: string;
  readonly roles: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
}

const principals = new WeakMap<object, Principal>();

export function rememberPrincipal(request: object, principal: Principal): void {
  principals.set(request, principal);
}

/** The caller of the current route; `undefined` on public ones. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) =>
  principals.get(context.switchToHttp().getRequest<object>()),
);
